import type { Fact } from '../../schemas/generated/events.js';
import type { ArtifactChange, RecordAt } from './rows.js';
import { storableText, textOrNull } from './storable-text.js';

type Seen = Pick<ArtifactChange, 'isNew' | 'hash' | 'namespace' | 'state' | 'type' | 'contract' | 'size' | 'producer'> & Partial<ArtifactChange>;

/** What a fact says of candidates and verified artifacts; a candidate has no bytes here. */
export function projectArtifacts(fact: Fact, at: RecordAt): readonly ArtifactChange[] {
  const change = (seen: Seen): ArtifactChange => ({
    job: storableText(fact.job), instance: fact.instance, step: storableText(fact.step), attempt: fact.attempt, partition: at.partition, tenant: storableText(fact.tenant),
    isNew: seen.isNew, hash: storableText(seen.hash), namespace: seen.namespace, state: seen.state, type: storableText(seen.type), contract: storableText(seen.contract),
    size: seen.size, producer: storableText(seen.producer), verifier: seen.verifier ?? null, reason: seen.reason ?? null, confidence: seen.confidence ?? null,
    freshAtMs: seen.freshAtMs ?? null, rubricScore: seen.rubricScore ?? null, encoding: seen.encoding ?? null, body: seen.body ?? null,
    lastOffset: at.offset, lastEventAtMs: at.appendTimeMs,
  });
  switch (fact.type) {
    case 'VerificationRequested':
      return fact.candidates.map((candidate) => change({
        type: candidate.type, contract: candidate.contract, producer: candidate.producer, hash: candidate.hash, size: candidate.size, namespace: 'quarantine', state: 'waiting', isNew: true,
        verifier: textOrNull(fact.agent), confidence: candidate.confidence, freshAtMs: candidate.freshAtMs,
      }));
    case 'ArtifactRejected':
      return [change({
        type: fact.artifactType, contract: fact.contract, producer: fact.producer, hash: fact.hash, size: fact.size, namespace: 'quarantine', state: 'rejected', isNew: fact.verifier === '',
        verifier: textOrNull(fact.verifier), reason: textOrNull(fact.reason), rubricScore: fact.rubricScore,
      })];
    case 'ArtifactVerified':
      return [change({
        type: fact.artifactType, contract: fact.contract, producer: fact.producer, hash: fact.body.hash, size: fact.body.size, namespace: 'verified', state: 'verified', isNew: fact.verifier === '',
        verifier: textOrNull(fact.verifier), confidence: fact.confidence, freshAtMs: fact.freshAtMs, rubricScore: fact.rubricScore,
        encoding: storableText(fact.body.encoding), body: fact.body.encoding === 'inline' ? fact.body.bytes : null,
      })];
    default:
      return [];
  }
}
