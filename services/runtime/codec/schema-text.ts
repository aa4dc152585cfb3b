import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';

// In the client, but not in its types.
interface WithApi {
  readonly api: { readonly Schema: { find(of: { readonly id: number }): Promise<{ data(): unknown }> } };
}

/**
 * The text of a schema as the registry has it, whatever language it is in.
 * @throws what has a `status` where the registry said no, and none where what answered is no registry (a proxy, a page
 * that says "back soon"): nothing is known of the schema then.
 */
export async function schemaText(registry: SchemaRegistry, id: number): Promise<string> {
  const { schema } = ((await (registry as unknown as WithApi).api.Schema.find({ id })).data() ?? {}) as { readonly schema?: unknown };
  if (typeof schema !== 'string') throw new Error('what answered is no schema registry');
  return schema;
}
