// A codec whose schema ids come from a Confluent-compatible registry: every schema of ours is registered under its
// topic and record name. The other versions there are learnt at once, since the log holds what they wrote and who goes
// on in it must not have to ask first; ids that come later are looked up once. On the hot path nothing is asked.

import { setTimeout as sleep } from 'node:timers/promises';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { composeSchemas, type EventSchema } from '../../../schemas/compose.js';
import type { EventType } from '../../../schemas/generated/events.js';
import { topics, topicName } from '../../../topics/topics.js';
import { BlackboardError } from '../errors.js';
import { within } from '../within.js';
import { schemaText } from './schema-text.js';
import { EventCodec } from './event-codec.js';
import type { Learn } from './learn-schemas.js';

export interface RegistryCodecOptions {
  /** e.g. `http://registry:8080/apis/ccompat/v7`. */
  readonly url: string;
  readonly schemasDir: string;
  readonly topicPrefix: string;
  /**
   * False, for who only reads: nothing is written there, and a schema of ours that the registry lacks (those of a release
   * that is tried on a log before it ships) gets an id that no record can have. Default true.
   */
  readonly register?: boolean;
  /** One schema's at most; all are asked for at once, so that a slow registry answers the last late. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface RegistryCodec {
  readonly codec: EventCodec;
  /** Learns the schema of an id. @throws BlackboardError SCHEMA_UNKNOWN, SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
  readonly learn: Learn;
}

/**
 * @throws BlackboardError SCHEMA_INCOMPATIBLE naming the subject; REGISTRY_UNAVAILABLE with the URL; SCHEMA_UNKNOWN when it is
 * only read and knows none of our subjects.
 */
export async function registryCodec(options: RegistryCodecOptions): Promise<RegistryCodec> {
  const registry = new SchemaRegistry({ host: options.url, retry: { maxRetryTimeInSecs: 2, initialRetryTimeInSecs: 0.1, retries: 3 } });
  const codec = new EventCodec();
  const defined = await Promise.all(composeSchemas(options.schemasDir).map(async (schema) => {
    const id = await idOf(registry, schema, options);
    return { schema, id, versions: await versionsOf(registry, subjectOf(schema, options.topicPrefix), options) };
  }));
  // Then it is not the registry of this log, and all of its records would be of unknown schemas.
  const nothing = defined.find(({ id }) => id instanceof BlackboardError);
  if (nothing?.id instanceof BlackboardError && defined.every(({ id, versions }) => id instanceof BlackboardError && versions.length === 0)) throw nothing.id;
  let unused = -1;
  for (const { schema, id } of defined) codec.define(schema.name as EventType, schema.avro, typeof id === 'number' ? id : unused--);
  for (const version of defined.flatMap(({ versions }) => versions)) learnReadable(codec, version);
  return {
    codec,
    learn: async (id) => {
      if (codec.knows(id)) return;
      // As a signed number it is none that a registry gives, and some answer for it with an error that is no answer.
      if (id < 0) throw new BlackboardError('SCHEMA_UNKNOWN', `schema id ${id} is none: registries give no negative ids`, { id });
      codec.learn(id, await schemaOf(registry, id, options));
    },
  };
}

/** A version that nobody here can read, which anybody may have put there, stays unknown like any stranger's id. */
function learnReadable(codec: EventCodec, { id, schema }: Version): void {
  if (codec.knows(id)) return;
  try {
    codec.learn(id, JSON.parse(schema));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof BlackboardError)) throw error;
  }
}

/** The subject of an event: topic, then record name, since a topic holds many types. */
export function subjectOf(schema: EventSchema, topicPrefix: string): string {
  const topic = topics.find((spec) => spec.messages.includes(schema.messageClass));
  if (topic === undefined) throw new BlackboardError('TOPOLOGY_INVALID', `no topic holds messages of class ${schema.messageClass}`);
  return `${topicName(topic.role, topicPrefix)}-${schema.avro.namespace}.${schema.name}`;
}

interface Version {
  readonly id: number;
  readonly version: number;
  /** As it was registered, JSON. */
  readonly schema: string;
}

// In the client, but not in its types.
interface WithApi {
  readonly api: { readonly Subject: {
    registered(of: { readonly subject: string; readonly body: { readonly schema: string } }): Promise<{ data(): { readonly id: number } }>;
    latestVersion(of: { readonly subject: string }): Promise<{ data(): Version }>;
    version(of: { readonly subject: string; readonly version: number }): Promise<{ data(): Version }>;
  } };
}

/** All versions of a subject, of older and of newer releases; those that were deleted are left out. */
async function versionsOf(registry: SchemaRegistry, subject: string, options: RegistryCodecOptions): Promise<readonly Version[]> {
  const { Subject } = (registry as unknown as WithApi).api;
  try {
    const latest = (await inTime(Subject.latestVersion({ subject }), options)).data();
    const before = await Promise.all(Array.from({ length: latest.version - 1 }, async (_, index) => {
      const found = inTime(Subject.version({ subject, version: index + 1 }), options);
      return found.then((answer) => answer.data(), (error: unknown) => {
        if ((error as { status?: number }).status === 404) return null;
        throw error;
      });
    }));
    return [...before.filter((version) => version !== null), latest];
  } catch (error) {
    const named = registryError(error, `the versions of ${subject}`, options.url);
    if (options.register === false && named.code === 'SCHEMA_UNKNOWN') return [];
    throw named;
  }
}

/** The error where a registry that is only read does not know the schema. */
async function idOf(registry: SchemaRegistry, schema: EventSchema, options: RegistryCodecOptions): Promise<number | BlackboardError> {
  const subject = subjectOf(schema, options.topicPrefix);
  const { Subject } = (registry as unknown as WithApi).api;
  const text = { type: SchemaType.AVRO as const, schema: JSON.stringify(schema.avro) };
  for (let tries = 0; ; tries += 1) {
    try {
      if (options.register === false) return (await inTime(Subject.registered({ subject, body: { schema: text.schema } }), options)).data().id;
      return (await inTime(registry.register(text, { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE }), options)).id;
    } catch (error) {
      // Another process sets up the same new subject at the same moment: what it made is found at the next try.
      if (isRace(error) && tries < 5) await sleep(50 * (tries + 1) * (0.5 + Math.random()));
      else {
        const named = registryError(error, `schema ${subject}`, options.url);
        if (options.register === false && named.code === 'SCHEMA_UNKNOWN') return named;
        throw named;
      }
    }
  }
}

/** The client waits for ever for a registry that takes a request and never answers. */
const inTime = <T>(answer: Promise<T>, { timeoutMs = 30_000 }: RegistryCodecOptions): Promise<T> => within(answer, timeoutMs);

/** A conflict over a subject's settings, not over a schema. */
function isRace(error: unknown): boolean {
  const { status, url } = error as { status?: number; url?: string };
  return status === 409 && typeof url === 'string' && url.includes('/config/');
}

/** As it is there: whether anybody here can read it is for the codec to say, and no failure of the registry's. */
async function schemaOf(registry: SchemaRegistry, id: number, options: RegistryCodecOptions): Promise<unknown> {
  let text: string;
  try {
    text = await inTime(schemaText(registry, id), options);
  } catch (error) {
    throw registryError(error, `schema id ${id}`, options.url);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new BlackboardError('SCHEMA_UNKNOWN', `schema id ${id} at ${options.url} is no Avro schema`, { id });
  }
}

function registryError(error: unknown, what: string, url: string): BlackboardError {
  const status = (error as { status?: number }).status;
  const message = error instanceof Error ? error.message : String(error);
  if (status === 409 || /incompatible/i.test(message)) return new BlackboardError('SCHEMA_INCOMPATIBLE', `${what} is not compatible with the versions at ${url}: give new fields a default, rename by alias, or start a new namespace`, { what }, { cause: error });
  if (status === 404 || /not found/i.test(message)) return new BlackboardError('SCHEMA_UNKNOWN', `${what} is not known at ${url}: register it first ("blackboard topics apply") or check the URL`, { what }, { cause: error });
  return new BlackboardError('REGISTRY_UNAVAILABLE', `the schema registry at ${url} did not answer for ${what}: ${message}; check SCHEMA_REGISTRY_URL and that it runs`, { what }, { cause: error });
}
