// The gate and the conductor by themselves, on the claims that W3 has left behind: decoded and inspected beforehand, so
// that what is timed is judge, decide and evolve, first alone, then with the encoding of the facts.

import type { Claim, Fact } from '../../schemas/generated/events.js';
import { limits } from '../../topics/topics.js';
import { contracts } from '../../workflows/contracts.js';
import { openPartition, type Recorded, type RecordedClaim } from '../../replay/read-partition.js';
import type { RecordedBlackboard } from '../../replay/readable-log.js';
import { decideRecord, type QuarantineRecord } from '../../services/orchestrator/decide-record.js';
import { emptyPartition, evolve } from '../../services/orchestrator/evolve.js';
import { inspect, type RawClaim } from '../../services/orchestrator/inspect.js';
import type { Keyring } from '../../services/runtime/keyring.js';
import type { Figures } from '../w3/measure.js';
import { median } from '../w3/percentile.js';

const decisionsMax = 30_000;
const rounds = 5;

type Entry =
  | { readonly kind: 'bare'; readonly fact: Fact; readonly offset: number }
  | { readonly kind: 'decision'; readonly record: QuarantineRecord; readonly nextOffset: number; readonly values: readonly Buffer[] };

export interface DecisionsOptions extends RecordedBlackboard {
  readonly partition: number;
  readonly partitions: number;
  readonly keyring: Keyring;
}

/** @throws when a decision taken again has another number of facts than was recorded: then the figure would mean nothing. */
export async function decisions(options: DecisionsOptions): Promise<Figures> {
  const claims: RawClaim[] = [];
  const entries = await recordedEntries(options, claims);
  const taken = entries.filter((entry) => entry.kind === 'decision');
  const events = taken.reduce((sum, { values }) => sum + 1 + values.length, 0);
  const pureSeconds = median(Array.from({ length: rounds }, () => decideAll(entries, () => recordedBytes())));
  const encodedSeconds = median(Array.from({ length: rounds }, () => decideAll(entries, () => (fact) => options.codec.encode(fact))));
  const inspectSeconds = median(Array.from({ length: rounds }, () => timed(() => { for (const claim of claims) inspect(claim, options.keyring, { contracts, partitions: options.partitions }); })));
  return {
    decisions: taken.length, eventsPerS: events / pureSeconds, decisionsPerS: taken.length / pureSeconds,
    encodedEventsPerS: events / encodedSeconds, inspectedClaimsPerS: claims.length / inspectSeconds,
  };
}

async function recordedEntries(options: DecisionsOptions, claims: RawClaim[]): Promise<readonly Entry[]> {
  const { recorded } = await openPartition(options, options.partition);
  const entries: Entry[] = [];
  for await (const one of recorded) {
    if (one.kind === 'bare') entries.push({ kind: 'bare', fact: one.at.fact, offset: one.at.record.offset });
    if (one.kind === 'decision' && one.claim?.decoded.ok === true) entries.push(decisionOf(one, one.claim, options, claims));
    if (claims.length >= decisionsMax) break;
  }
  return entries;
}

function decisionOf({ cause, facts }: Recorded & { kind: 'decision' }, { record, decoded, digest }: RecordedClaim, options: DecisionsOptions, claims: RawClaim[]): Entry {
  if (!decoded.ok) throw new Error('only decoded claims come here');
  const raw: RawClaim = { claim: decoded.event as Claim, key: record.key, partition: record.partition, body: decoded.body, fingerprint: decoded.schema.fingerprint };
  claims.push(raw);
  return {
    kind: 'decision', nextOffset: facts[0]?.record.offset ?? 0, values: facts.map((fact) => fact.record.value),
    record: { offset: cause, appendTimeMs: record.appendTimeMs, digest, content: { kind: 'claim', claim: raw.claim, inspection: inspect(raw, options.keyring, { contracts, partitions: options.partitions }) } },
  };
}

type Encode = (fact: Fact) => Buffer;

/** Stands in for the encoder: a decision's batch limits look at lengths, and lengths alone. */
function recordedBytes(): Encode {
  const bytes = Buffer.alloc(512);
  return () => bytes;
}

function decideAll(entries: readonly Entry[], encoder: () => Encode): number {
  const state = emptyPartition(0);
  const encode = encoder();
  return timed(() => {
    for (const entry of entries) {
      if (entry.kind === 'bare') {
        evolve(state, entry.fact, entry.offset);
        continue;
      }
      const { facts } = decideRecord(state, entry.record, { nextOffset: entry.nextOffset, encode, batchBytesMax: limits.batchBytesMax, batchRecordsMax: limits.batchRecordsMax, onThrow: (error) => { throw error; } });
      if (facts.length !== entry.values.length) throw new Error(`the decision on quarantine offset ${entry.record.offset} has ${facts.length} facts, and ${entry.values.length} were recorded`);
    }
  });
}

/** Seconds. */
function timed(work: () => void): number {
  const sinceMs = performance.now();
  work();
  return (performance.now() - sinceMs) / 1000;
}
