// A record of a foreign topic to a submission. Pure: the same record under the same map gives the same idempotency
// key and body, so that a record read twice is one job. A record that breaks the map becomes a submission that the
// gate is bound to refuse (its params are no JSON object): nothing is lost, and operators see it where they see all
// refusals. What names the problem are fields of the map and rules, never text of the record.

import type { JobSubmitted } from '../../schemas/generated/events.js';
import { canonicalJson, jobId } from '../blackboard/ids.js';
import type { BridgeMap, FieldMap, valueTypes } from './bridge-map.js';

export interface SourcePlace {
  readonly partition: number;
  readonly offset: number;
}

/** What was read of a record's bytes. */
export type RecordContent =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly rule: string; readonly message: string };

export interface Problem {
  /** Of the map, e.g. `params.question`; `record` for the whole. */
  readonly field: string;
  readonly rule: string;
}

export interface MapContext {
  /** `principal#keyId` with which the bridge signs. */
  readonly signer: string;
  readonly nowMs: number;
}

export interface MappedRecord {
  readonly claim: Omit<JobSubmitted, 'signature'>;
  /** Null: a submission as the map says. Otherwise one that the gate refuses. */
  readonly problem: Problem | null;
}

export const mapRules = {
  required: 'the record does not have it',
  type: 'the record has it as another type',
  key: 'text of 1 to 256 characters without control characters, or a whole number',
  goal: 'at most 4000 characters',
  deadline: 'a whole number of ms, 1 to 30 days',
  cost: 'a whole number, 0 or more',
  size: 'the parameters are larger than 64 KiB as JSON',
} as const;

const paramsBytesMax = 64 * 1024;
const keyPattern = /^[^\p{Cc}\p{Cf}\p{Cs}]{1,256}$/u;

/** The idempotency key of a record that has no business key, and of every refusal. */
export function placeKey(map: BridgeMap, { partition, offset }: SourcePlace): string {
  return `${map.name}/${map.source.topic}/${partition}/${offset}`;
}

export function mapRecord(place: SourcePlace, content: RecordContent, map: BridgeMap, context: MapContext): MappedRecord {
  if (!content.ok) return refused(place, { field: 'record', rule: `${content.rule}: ${content.message}` }, map, context);
  const { value } = content;
  const reading = new Reading(value);
  const params: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(map.params)) {
    const found = reading.field(`params.${name}`, field);
    if (found !== undefined) params[name] = found;
  }
  const key = map.idempotencyKey === undefined ? placeKey(map, place) : reading.key(map.idempotencyKey.from);
  const goal = reading.checked('goal', map.goal, 'goal', (found) => typeof found === 'string' && found.length <= 4000);
  const deadlineMs = reading.checked('deadlineMs', map.deadlineMs, 'deadline', (found) => isWhole(found, 1, 30 * 86_400_000));
  const costCapMicros = reading.checked('costCapMicros', map.costCapMicros, 'cost', (found) => isWhole(found, 0, 1e15));
  const text = canonicalJson(params);
  if (Buffer.byteLength(text) > paramsBytesMax) reading.broke('params', 'size');
  if (reading.problem !== null) return refused(place, reading.problem, map, context);
  return {
    problem: null,
    claim: submission(place, key, map, context, { params: text, goal: (goal ?? '') as string, deadlineMs: (deadlineMs ?? 0) as number, costCapMicros: (costCapMicros ?? 0) as number }),
  };
}

/** Reads fields of one record and keeps the first problem. */
class Reading {
  problem: Problem | null = null;

  constructor(private readonly value: unknown) {}

  broke(field: string, rule: keyof typeof mapRules): undefined {
    this.problem ??= { field, rule: `${rule}: ${mapRules[rule]}` };
    return undefined;
  }

  field(name: string, field: FieldMap): unknown {
    if ('constant' in field) return field.constant;
    const found = at(this.value, field.from);
    if (found === undefined || (found === null && field.type !== 'any')) return field.optional ? undefined : this.broke(name, 'required');
    if (found === null && field.optional) return undefined;
    return hasType(found, field.type) ? found : this.broke(name, 'type');
  }

  checked(name: string, field: FieldMap | undefined, rule: keyof typeof mapRules, holds: (found: unknown) => boolean): unknown {
    if (field === undefined) return undefined;
    const found = this.field(name, field);
    return found === undefined || holds(found) ? found : this.broke(name, rule);
  }

  key(from: string): string {
    const found = at(this.value, from);
    if (found === undefined || found === null) this.broke('idempotencyKey', 'required');
    const key = Number.isSafeInteger(found) ? String(found) : found;
    // As the gate counts: an emoji is two.
    if (typeof key === 'string' && key.length <= 256 && keyPattern.test(key)) return key;
    this.broke('idempotencyKey', 'key');
    return '';
  }
}

function refused(place: SourcePlace, problem: Problem, map: BridgeMap, context: MapContext): MappedRecord {
  // Under the record's place, never under a business key: that may be another record's job.
  const claim = submission(place, placeKey(map, place), map, context, {
    params: '', goal: `refused by the bridge ${map.name}: ${problem.field}: ${problem.rule}`.slice(0, 1000), deadlineMs: 0, costCapMicros: 0,
  });
  return { claim, problem };
}

function submission(place: SourcePlace, idempotencyKey: string, map: BridgeMap, context: MapContext, asked: Pick<JobSubmitted, 'params' | 'goal' | 'deadlineMs' | 'costCapMicros'>): Omit<JobSubmitted, 'signature'> {
  return {
    type: 'JobSubmitted', step: '', agent: '', epoch: -1, cause: -1, tenant: map.tenant, job: jobId(map.tenant, idempotencyKey), instance: -1, attempt: 0, agentVersion: '',
    correlation: `${map.source.topic}/${place.partition}/${place.offset}`, causation: '', onBehalfOf: `bridge ${map.name}`, workflowVersion: '', policyVersion: '', promptHash: '', modelId: '',
    signer: context.signer, atMs: context.nowMs, trace: '', idempotencyKey, workflow: map.workflow, ...asked,
  };
}

/** What a JSON pointer finds; undefined where there is nothing. */
function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (found === null || typeof found !== 'object' || !Object.hasOwn(found, name)) return undefined;
    if (Array.isArray(found) && !/^(?:0|[1-9]\d*)$/.test(name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

function hasType(value: unknown, type: (typeof valueTypes)[number]): boolean {
  switch (type) {
    case 'any': return true;
    case 'array': return Array.isArray(value);
    case 'object': return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer': return Number.isSafeInteger(value);
    default: return typeof value === type;
  }
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}
