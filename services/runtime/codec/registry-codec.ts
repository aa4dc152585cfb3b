// A codec whose schema ids come from a Confluent-compatible registry: every schema of ours is registered under its
// topic and record name, and ids that others wrote with are looked up once. On the hot path nothing is asked.

import { setTimeout as sleep } from 'node:timers/promises';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { composeSchemas, type EventSchema } from '../../../schemas/compose.js';
import type { EventType } from '../../../schemas/generated/events.js';
import { topics, topicName } from '../../../topics/topics.js';
import { BlackboardError } from '../errors.js';
import { EventCodec } from './event-codec.js';

export interface RegistryCodecOptions {
  /** e.g. `http://registry:8080/apis/ccompat/v7`. */
  readonly url: string;
  readonly schemasDir: string;
  readonly topicPrefix: string;
  /** False: look the ids up and never write, for processes that may not. Default true. */
  readonly register?: boolean;
  /** One schema's at most; all are asked for at once, so that a slow registry answers the last late. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface RegistryCodec {
  readonly codec: EventCodec;
  /** Learns the schema of an id. @throws BlackboardError SCHEMA_UNKNOWN, SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
  learn(id: number): Promise<void>;
}

/** @throws BlackboardError SCHEMA_INCOMPATIBLE naming the subject; REGISTRY_UNAVAILABLE with the URL. */
export async function registryCodec(options: RegistryCodecOptions): Promise<RegistryCodec> {
  const registry = new SchemaRegistry({ host: options.url, retry: { maxRetryTimeInSecs: 2, initialRetryTimeInSecs: 0.1, retries: 3 } });
  const codec = new EventCodec();
  const defined = await Promise.all(composeSchemas(options.schemasDir).map(async (schema) => ({ schema, id: await idOf(registry, schema, options) })));
  for (const { schema, id } of defined) codec.define(schema.name as EventType, schema.avro, id);
  return {
    codec,
    learn: async (id) => {
      if (codec.knows(id)) return;
      codec.learn(id, await schemaOf(registry, id, options));
    },
  };
}

/** The subject of an event: topic, then record name, since a topic holds many types. */
export function subjectOf(schema: EventSchema, topicPrefix: string): string {
  const topic = topics.find((spec) => spec.messages.includes(schema.messageClass));
  if (topic === undefined) throw new BlackboardError('TOPOLOGY_INVALID', `no topic holds messages of class ${schema.messageClass}`);
  return `${topicName(topic.role, topicPrefix)}-${schema.avro.namespace}.${schema.name}`;
}

async function idOf(registry: SchemaRegistry, schema: EventSchema, options: RegistryCodecOptions): Promise<number> {
  const subject = subjectOf(schema, options.topicPrefix);
  const text = { type: SchemaType.AVRO as const, schema: JSON.stringify(schema.avro) };
  for (let tries = 0; ; tries += 1) {
    try {
      if (options.register === false) return await inTime(registry.getRegistryIdBySchema(subject, text), options);
      return (await inTime(registry.register(text, { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE }), options)).id;
    } catch (error) {
      // Another process sets up the same new subject at the same moment: what it made is found at the next try.
      if (isRace(error) && tries < 5) await sleep(50 * (tries + 1) * (0.5 + Math.random()));
      else throw registryError(error, `schema ${subject}`, options.url);
    }
  }
}

/** The client waits for ever for a registry that takes a request and never answers. */
async function inTime<T>(answer: Promise<T>, { timeoutMs = 30_000 }: RegistryCodecOptions): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs); });
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A conflict over a subject's settings, not over a schema. */
function isRace(error: unknown): boolean {
  const { status, url } = error as { status?: number; url?: string };
  return status === 409 && typeof url === 'string' && url.includes('/config/');
}

async function schemaOf(registry: SchemaRegistry, id: number, options: RegistryCodecOptions): Promise<unknown> {
  const { url } = options;
  try {
    const found = await inTime(registry.getSchema(id), options);
    return (found as { schema?: () => unknown }).schema?.() ?? found;
  } catch (error) {
    throw registryError(error, `schema id ${id}`, url);
  }
}

function registryError(error: unknown, what: string, url: string): BlackboardError {
  const status = (error as { status?: number }).status;
  const message = error instanceof Error ? error.message : String(error);
  if (status === 409 || /incompatible/i.test(message)) return new BlackboardError('SCHEMA_INCOMPATIBLE', `${what} is not compatible with the versions at ${url}: give new fields a default, rename by alias, or start a new namespace`, { what }, { cause: error });
  if (status === 404 || /not found/i.test(message)) return new BlackboardError('SCHEMA_UNKNOWN', `${what} is not known at ${url}: register it first ("blackboard topics apply") or check the URL`, { what }, { cause: error });
  return new BlackboardError('REGISTRY_UNAVAILABLE', `the schema registry at ${url} did not answer for ${what}: ${message}; check SCHEMA_REGISTRY_URL and that it runs`, { what }, { cause: error });
}
