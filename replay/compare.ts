// Where what was recorded and what was taken again part: the first record, and in it the first field, by path.

import type { Fact } from '../schemas/generated/events.js';
import type { EventCodec } from '../services/runtime/codec/event-codec.js';
import type { RecordedFact } from './read-partition.js';

export type DivergenceKind =
  /** The record of quarantine is another one than was decided on. */
  | 'claim-altered'
  /** Quarantine has no record where one was decided on. */
  | 'claim-missing'
  /** Taken again, the decision has another fact in this place. */
  | 'fact-differs' | 'fact-missing' | 'fact-surplus'
  /** A claim was passed over, decided twice, or its facts do not stand together. */
  | 'out-of-order'
  /** A marker or checkpoint says what the facts before it do not. */
  | 'bare-fact-differs'
  /** A fact names an epoch that no marker began. */
  | 'epoch-unknown'
  | 'unreadable'
  /** A verb threw where the recorded decision did not. */
  | 'verb-threw';

export interface Divergence {
  readonly kind: DivergenceKind;
  readonly partition: number;
  /** On `bb.verified`: of the record that differs, or where it should stand. */
  readonly verifiedOffset: number;
  /** On `bb.verified`: a checkpoint's marker, where their digests differ and either may be the altered one; else -1. */
  readonly againstOffset: number;
  /** On `bb.quarantine`, -1 where no claim is concerned. */
  readonly quarantineOffset: number;
  /** Recorded; where there is none, what was taken again. */
  readonly eventType: string;
  readonly job: string;
  readonly step: string;
  /** Path such as `reasons.0.code`; `key` is the record's own. Empty: the whole record. */
  readonly field: string;
  /** JSON, cut. Recorded text is hostile: make it safe before it is shown. */
  readonly recorded: string;
  readonly again: string;
}

interface Difference {
  readonly kind: 'fact-differs' | 'fact-missing' | 'fact-surplus';
  /** In the decision. */
  readonly index: number;
  readonly fact: Fact;
  readonly field: string;
  readonly recorded: string;
  readonly again: string;
}

/** Frame of a record: the schema id differs between installations. */
const frameBytes = 5;

/** Null: the decision is the same, byte for byte. */
export function compareDecision(recorded: readonly RecordedFact[], again: { readonly facts: readonly Fact[]; readonly encoded: readonly Buffer[] }, codec: EventCodec): Difference | null {
  for (let index = 0; index < Math.max(recorded.length, again.facts.length); index += 1) {
    const old = recorded[index];
    const fact = again.facts[index];
    if (old === undefined) return { kind: 'fact-missing', index, fact: fact as Fact, field: '', recorded: '', again: shown((fact as Fact).type) };
    if (fact === undefined) return { kind: 'fact-surplus', index, fact: old.fact, field: '', recorded: shown(old.fact.type), again: '' };
    const difference = compareFact(old, fact, again.encoded[index] as Buffer, codec);
    if (difference !== null) return { kind: 'fact-differs', index, fact: old.fact, ...difference };
  }
  return null;
}

export function compareFact(old: RecordedFact, fact: Fact, encoded: Buffer, codec: EventCodec): { readonly field: string; readonly recorded: string; readonly again: string } | null {
  const key = Buffer.from(fact.job);
  const same = old.writerFields === null && old.record.value.subarray(frameBytes).equals(encoded.subarray(frameBytes));
  if (!same) {
    // Decoded again: what was encoded is what counts, and both sides then have the same shape.
    const difference = firstDifference(old.fact, codec.decodeOwn(fact.type, encoded), old.writerFields);
    if (difference !== null) return difference;
    // Other bytes of the same meaning: nobody's encoder writes them.
    if (old.writerFields === null) return { field: '', recorded: shown(old.record.value.subarray(frameBytes)), again: shown(encoded.subarray(frameBytes)) };
  }
  return old.record.key.equals(key) ? null : { field: 'key', recorded: shown(old.record.key), again: shown(key) };
}

function firstDifference(recorded: unknown, again: unknown, only: readonly string[] | null, path = ''): { readonly field: string; readonly recorded: string; readonly again: string } | null {
  if (isTree(recorded) && isTree(again)) {
    const names = only ?? [...new Set([...Object.keys(recorded), ...Object.keys(again)])];
    for (const name of names) {
      const found = firstDifference((recorded as Record<string, unknown>)[name], (again as Record<string, unknown>)[name], null, path === '' ? name : `${path}.${name}`);
      if (found !== null) return found;
    }
    return null;
  }
  const same = Buffer.isBuffer(recorded) && Buffer.isBuffer(again) ? recorded.equals(again) : Object.is(recorded, again);
  return same ? null : { field: path, recorded: shown(recorded), again: shown(again) };
}

function isTree(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Buffer.isBuffer(value);
}

/** JSON of a value, bytes as hex, at most 200 characters. */
export function shown(value: unknown): string {
  const text = Buffer.isBuffer(value) ? `"${value.toString('hex', 0, 100)}"` : JSON.stringify(value, (_key, member: unknown) => (isBufferJson(member) ? Buffer.from(member.data).toString('hex') : member)) ?? '';
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  return value !== null && typeof value === 'object' && (value as { type?: unknown }).type === 'Buffer' && Array.isArray((value as { data?: unknown }).data);
}
