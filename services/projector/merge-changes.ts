import type { ArtifactChange, JobChange, JobCounts, RowChanges } from './rows.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A change that is ours to write to, once a second one of the same row has come. */
interface Merged {
  change: JobChange;
  own: (Mutable<Omit<JobChange, 'added'>> & { added: Mutable<JobCounts> }) | null;
}

/** One change per life of a job: the newest facts win, counters add up. Changes come in the order of offsets. */
export function mergeJobChanges(changes: readonly RowChanges[]): readonly JobChange[] {
  const byJob = new Map<string, Merged>();
  for (const { job: later } of changes) {
    if (later === null) continue;
    // Two lives of one job in one batch are rare; the first one needs no key of its own.
    const first = byJob.get(later.job);
    const key = first === undefined || first.change.instance === later.instance ? later.job : `${later.job}/${later.instance}`;
    const held = byJob.get(key);
    if (held === undefined) byJob.set(key, { change: later, own: null });
    else merge(held, later);
  }
  return Array.from(byJob.values(), ({ change }) => change);
}

function merge(held: Merged, later: JobChange): void {
  const own = (held.own ??= { ...held.change, added: { ...held.change.added } });
  held.change = own;
  own.accepted = later.accepted ?? own.accepted;
  own.ended = later.ended ?? own.ended;
  own.lastOffset = later.lastOffset;
  own.lastEventAtMs = later.lastEventAtMs;
  const { added } = own;
  added.costMicros += later.added.costMicros;
  added.attemptsRequested += later.added.attemptsRequested;
  added.attemptsFailed += later.added.attemptsFailed;
  added.verificationsRequested += later.added.verificationsRequested;
  added.stepsCompleted += later.added.stepsCompleted;
  added.stepsFailed += later.added.stepsFailed;
  added.artifactsVerified += later.added.artifactsVerified;
  added.artifactsRejected += later.added.artifactsRejected;
}

/** One change per artifact, the newest; what it does not say (confidence, freshness) it takes from the one before. */
export function mergeArtifactChanges(changes: readonly RowChanges[]): readonly ArtifactChange[] {
  const byArtifact = new Map<string, ArtifactChange>();
  for (const { artifacts } of changes) {
    for (const later of artifacts) {
      const key = `${later.instance}/${later.attempt}/${later.job.length}/${later.step.length}/${later.job}${later.step}${later.hash}`;
      const earlier = byArtifact.get(key);
      byArtifact.set(key, earlier === undefined ? later : {
        ...later, isNew: earlier.isNew, tenant: earlier.tenant, confidence: later.confidence ?? earlier.confidence, freshAtMs: later.freshAtMs ?? earlier.freshAtMs, verifier: later.verifier ?? earlier.verifier,
      });
    }
  }
  return [...byArtifact.values()];
}
