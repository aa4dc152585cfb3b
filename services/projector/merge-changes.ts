import type { ArtifactChange, JobChange, JobCounts, RowChanges } from './rows.js';

/** One change per life of a job: the newest facts win, counters add up. Changes come in the order of offsets. */
export function mergeJobChanges(changes: readonly RowChanges[]): readonly JobChange[] {
  const byJob = new Map<string, JobChange>();
  for (const { job: later } of changes) {
    if (later === null) continue;
    const key = `${later.job}/${later.instance}`;
    const earlier = byJob.get(key);
    byJob.set(key, earlier === undefined ? later : {
      ...later, tenant: earlier.tenant, accepted: later.accepted ?? earlier.accepted, ended: later.ended ?? earlier.ended, added: sum(earlier.added, later.added),
    });
  }
  return [...byJob.values()];
}

/** One change per artifact, the newest; what it does not say (confidence, freshness) it takes from the one before. */
export function mergeArtifactChanges(changes: readonly RowChanges[]): readonly ArtifactChange[] {
  const byArtifact = new Map<string, ArtifactChange>();
  for (const { artifacts } of changes) {
    for (const later of artifacts) {
      const key = JSON.stringify([later.job, later.instance, later.step, later.attempt, later.hash]);
      const earlier = byArtifact.get(key);
      byArtifact.set(key, earlier === undefined ? later : {
        ...later, tenant: earlier.tenant, confidence: later.confidence ?? earlier.confidence, freshAtMs: later.freshAtMs ?? earlier.freshAtMs, verifier: later.verifier ?? earlier.verifier,
      });
    }
  }
  return [...byArtifact.values()];
}

function sum(a: JobCounts, b: JobCounts): JobCounts {
  return {
    costMicros: a.costMicros + b.costMicros,
    attemptsRequested: a.attemptsRequested + b.attemptsRequested,
    attemptsFailed: a.attemptsFailed + b.attemptsFailed,
    verificationsRequested: a.verificationsRequested + b.verificationsRequested,
    stepsCompleted: a.stepsCompleted + b.stepsCompleted,
    stepsFailed: a.stepsFailed + b.stepsFailed,
    artifactsVerified: a.artifactsVerified + b.artifactsVerified,
    artifactsRejected: a.artifactsRejected + b.artifactsRejected,
  };
}
