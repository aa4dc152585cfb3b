import type { Fact } from '../../schemas/generated/events.js';
import type { ArtifactChange, RecordAt } from './rows.js';
import { storableText, textOrNull } from './storable-text.js';

type Seen = Pick<ArtifactChange, 'isNew' | 'hash' | 'namespace' | 'state' | 'type' | 'contract' | 'size' | 'producer'> & Partial<ArtifactChange>;

/** What a fact says of candidates and verified artifacts; a candidate has no bytes here. */
export function projectArtifacts(fact: Fact, at: RecordAt): readonly ArtifactChange[] {
  const change = (seen: Seen): ArtifactChange => ({
    job: storableText(fact.job), instance: fact.instance, step: storableText(fact.step), attempt: fact.attempt, partition: at.partition, tenant: storableText(fact.tenant),
    verifier: null, reason: null, confidence: null, freshAtMs: null, rubricScore: null, encoding: null, body: null,
    lastOffset: at.offset, lastEventAtMs: at.appendTimeMs,
    ...seen,
    hash: storableText(seen.hash), type: storableText(seen.type), contract: storableText(seen.contract), producer: storableText(seen.producer),
  });
  switch (fact.type) {
    case 'VerificationRequested':
      return fact.candidates.map((candidate) => change({
        ...picked(candidate), hash: candidate.hash, size: candidate.size, namespace: 'quarantine', state: 'waiting', isNew: true,
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

function picked(candidate: { readonly type: string; readonly contract: string; readonly producer: string }): Pick<Seen, 'type' | 'contract' | 'producer'> {
  return { type: candidate.type, contract: candidate.contract, producer: candidate.producer };
}
