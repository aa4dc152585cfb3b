// How long a kill -9 is felt: until every partition that waited for the dead process has an accepted fact again. Pure.

import type { Kind } from './fleet.js';
import type { Kill } from './journal.js';
import type { FollowedJob, Ownership } from './log-follower.js';
import type { Submission } from './load.js';

export interface Recovery {
  readonly kind: Kind;
  readonly atMs: number;
  /** Null: nothing waited for it, or the run was over before. */
  readonly tookMs: number | null;
}

export interface Evidence {
  readonly kills: readonly Kill[];
  readonly ownerships: readonly Ownership[];
  /** Partition → accepted facts in order. */
  readonly accepted: ReadonlyMap<number, readonly { readonly principal: string; readonly atMs: number }[]>;
  readonly jobs: Iterable<FollowedJob>;
  readonly history: readonly Submission[];
  /** When seats ran again. */
  readonly ups: readonly { readonly kind: Kind; readonly atMs: number }[];
  /** When rows were seen to be committed, per partition. */
  readonly committedAtMs: ReadonlyMap<number, readonly number[]>;
}

/**
 * orchestrator: in each partition that it owned, the next accepted fact of a newer owner; worker, checker: in each
 * partition, the next accepted fact of theirs; projector: in each partition, the next commit; ingress: the next
 * acknowledgement by any; gateway: until it serves again.
 */
export function recoveries(evidence: Evidence): readonly Recovery[] {
  return evidence.kills.map(({ kind, pid, atMs }) => {
    const ends = endsOf(evidence, kind, pid, atMs);
    const isWhole = ends.length > 0 && ends.every((end) => end !== null);
    return { kind, atMs, tookMs: isWhole ? Math.max(...ends as number[]) - atMs : null };
  });
}

function endsOf(evidence: Evidence, kind: Kind, pid: number, atMs: number): readonly (number | null)[] {
  const first = (times: readonly number[]): number | null => times.find((time) => time > atMs) ?? null;
  switch (kind) {
    case 'orchestrator': return ownedBy(evidence.ownerships, pid, atMs).map((partition) => {
      const heirMs = evidence.ownerships.find((own) => own.partition === partition && own.atMs > atMs)?.atMs;
      return heirMs === undefined ? null : evidence.accepted.get(partition)?.find((fact) => fact.atMs >= heirMs)?.atMs ?? null;
    });
    case 'worker': case 'checker': return [...evidence.accepted.values()].map((facts) => facts.find((fact) => fact.principal === kind && fact.atMs > atMs)?.atMs ?? null);
    case 'projector': return [...evidence.committedAtMs.values()].map(first);
    case 'ingress': return [first(evidence.history.flatMap(({ tries }) => tries.filter(({ end }) => end === 'acked').map(({ answeredAtMs }) => answeredAtMs)).sort((a, b) => a - b))];
    case 'gateway': return [first(evidence.ups.filter((up) => up.kind === 'gateway').map((up) => up.atMs))];
  }
}

/** Partitions whose newest owner before a time is a process. */
function ownedBy(ownerships: readonly Ownership[], pid: number, atMs: number): readonly number[] {
  const owners = new Map<number, string>();
  for (const own of ownerships) if (own.atMs <= atMs) owners.set(own.partition, own.owner);
  return [...owners].filter(([, owner]) => owner.split('-').includes(String(pid))).map(([partition]) => partition);
}

/** The value below which a share lies; null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null;
}
