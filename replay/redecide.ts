// Each decision taken again, by the same verbs over the same records, and compared with the recorded one. Pure but
// for the state it folds. What only keys can tell is taken from what was recorded, so that replay needs no key; with
// keys, a false signature that was believed is a divergence, and a true one that was not if it was in the same epoch.

import type { Checkpointed, Claim, EpochStarted, Fact } from '../schemas/generated/events.js';
import { messageClassOf } from '../schemas/generated/events.js';
import { limits } from '../topics/topics.js';
import type { PartitionState } from '../services/blackboard/board.js';
import type { Contract } from '../services/blackboard/contract.js';
import { policyOfText } from '../services/blackboard/policy-version.js';
import { checkpointOf, policyWith } from '../services/orchestrator/checkpoint.js';
import { decideRecord, type QuarantineRecord } from '../services/orchestrator/decide-record.js';
import { evolve } from '../services/orchestrator/evolve.js';
import { inspect, inspectContent } from '../services/orchestrator/inspect.js';
import type { Inspection } from '../services/orchestrator/judge.js';
import type { EventCodec } from '../services/runtime/codec/event-codec.js';
import type { Keyring } from '../services/runtime/keyring.js';
import { KeysHeld } from '../services/verify/keys-held.js';
import { compareDecision, compareFact, shown, type Divergence, type DivergenceKind } from './compare.js';
import type { Recorded, RecordedClaim, RecordedFact } from './read-partition.js';

export interface RedecideOptions {
  readonly codec: EventCodec;
  readonly contracts: ReadonlyMap<string, Contract>;
  /** Of the blackboard. */
  readonly partitions: number;
  /** Verifies signatures for real; it must hold every key that ever signed. Default: as recorded. */
  readonly keyring?: Keyring | undefined;
  /** Of this reading of the partition; goes with `keyring`. */
  readonly keysHeld?: KeysHeld | undefined;
}

export interface Redecided {
  /** Null: the same. */
  readonly divergence: Divergence | null;
  /** `state` has gone another way than the log: fold it again from what was recorded. */
  readonly strayed: boolean;
}

const same: Redecided = { divergence: null, strayed: false };

/** Takes again what one entry of the record says, and folds it into `state`. */
export function redecide(state: PartitionState, recorded: Recorded, options: RedecideOptions): Redecided {
  switch (recorded.kind) {
    case 'unreadable': return { divergence: { ...nowhere(state), kind: 'unreadable', verifiedOffset: recorded.record.offset, recorded: shown(recorded.reason) }, strayed: false };
    case 'inert': return recorded.knownEpoch ? same : { divergence: about(state, 'epoch-unknown', recorded.at, { field: 'epoch', recorded: shown(recorded.at.fact.epoch) }), strayed: false };
    case 'bare': return bareFact(state, recorded, options);
    case 'decision': return decision(state, recorded, options);
  }
}

function decision(state: PartitionState, { cause, facts, claim }: Recorded & { kind: 'decision' }, options: RedecideOptions): Redecided {
  const first = facts[0] as RecordedFact;
  const differs = (kind: DivergenceKind, what: Partial<Divergence>): Redecided => foldRecorded(state, facts, about(state, kind, first, { quarantineOffset: cause, ...what }));
  if (cause !== state.cursor + 1) return differs('out-of-order', { field: 'cause', recorded: shown(cause), again: shown(state.cursor + 1) });
  if (claim === null) return differs('claim-missing', {});
  const wasUnknown = facts.some(({ fact }) => fact.type === 'ClaimDeadLettered' && fact.reason === 'unknown-schema-id') && first.fact.causeDigest.equals(claim.rawDigest);
  if (!wasUnknown && !first.fact.causeDigest.equals(claim.digest)) return differs('claim-altered', { field: 'causeDigest', recorded: shown(first.fact.causeDigest), again: shown(claim.digest) });
  const content = wasUnknown ? { kind: 'undecodable' as const, reason: 'unknown-schema-id' } : contentOf(claim, facts, state.epoch, options);
  if (content.kind === 'claim' && content.claim.type === 'Tick' && content.inspection.authentic && claim.record.key.length > 0) return differs('claim-altered', { field: 'key', recorded: shown(claim.record.key), again: shown(Buffer.alloc(0)) });
  try {
    const again = decideRecord(state, { offset: cause, appendTimeMs: claim.record.appendTimeMs, digest: wasUnknown ? claim.rawDigest : claim.digest, content }, {
      nextOffset: first.record.offset, encode: (fact) => options.codec.encode(fact), batchBytesMax: limits.batchBytesMax, batchRecordsMax: limits.batchRecordsMax, onThrow: () => undefined,
    });
    const difference = compareDecision(facts, again, options.codec);
    if (difference === null) return same;
    const { kind, index, fact, field, recorded } = difference;
    return {
      strayed: true,
      divergence: { ...nowhere(state), kind, verifiedOffset: first.record.offset + index, quarantineOffset: cause, eventType: fact.type, job: fact.job, step: fact.step, field, recorded, again: difference.again },
    };
  } catch (error) {
    return { strayed: true, divergence: about(state, 'verb-threw', first, { quarantineOffset: cause, again: shown(String(error)) }) };
  }
}

function contentOf({ record, decoded }: RecordedClaim, facts: readonly RecordedFact[], epoch: number, options: RedecideOptions): QuarantineRecord['content'] {
  if (!decoded.ok) return { kind: 'undecodable', reason: decoded.reason };
  if (messageClassOf[decoded.event.type] !== 'claim') return { kind: 'undecodable', reason: 'not-a-claim' };
  const claim = decoded.event as Claim;
  const raw = { claim, key: record.key, partition: record.partition, body: decoded.body, fingerprint: decoded.schema.fingerprint };
  const recorded = { authentic: (facts[0] as RecordedFact).fact.authentic, receiptsValid: !facts.some(({ fact }) => fact.type === 'ClaimRefused' && fact.reason === 'bad-receipt') };
  if (options.keyring === undefined) return { kind: 'claim', claim, inspection: inspectContent(raw, recorded, options) };
  const verified = inspect(raw, options.keyring, options);
  const isSame = recorded.authentic === verified.authentic && recorded.receiptsValid === verified.receiptsValid;
  const mayBe = mayHaveSaid(claim, facts, recorded, { verified, epoch, keysHeld: options.keysHeld ?? new KeysHeld() });
  return { kind: 'claim', claim, inspection: isSame || !mayBe ? verified : inspectContent(raw, recorded, options) };
}

type Signed = Pick<Inspection, 'authentic' | 'receiptsValid'>;

/** Whether an owner that lacked a key or two may have found what was recorded, where the keys at hand find `verified`. */
function mayHaveSaid(claim: Claim, facts: readonly RecordedFact[], recorded: Signed, { verified, epoch, keysHeld }: { readonly verified: Signed; readonly epoch: number; readonly keysHeld: KeysHeld }): boolean {
  const signature = verified.authentic ? keysHeld.mayHave(epoch, claim.signer, recorded.authentic) : !recorded.authentic;
  if (claim.type !== 'ArtifactsProposed' || claim.receipts.length === 0) return signature && recorded.receiptsValid === verified.receiptsValid;
  if (!verified.receiptsValid) return signature && !recorded.receiptsValid;
  // A refusal for another reason says nothing of the receipts.
  const isSilent = recorded.receiptsValid && facts.some(({ fact }) => fact.type === 'ClaimRefused');
  return (isSilent || claim.receipts.every(({ signer }) => keysHeld.mayHave(epoch, signer, recorded.receiptsValid))) && signature;
}

/** A marker says nothing but who, and its checkpoint holds its digest; a checkpoint must say what the facts before it do. */
function bareFact(state: PartitionState, { at, markerDigest }: Recorded & { kind: 'bare' }, { codec }: RedecideOptions): Redecided {
  try {
    const again = bareAgain(state, at.fact, markerDigest);
    const difference = again === null ? null : compareFact(at, again, codec.encode(again), codec);
    evolve(state, at.fact, at.record.offset);
    return difference === null ? same : { divergence: about(state, 'bare-fact-differs', at, { ...difference, ...(difference.field === 'causeDigest' ? { againstOffset: state.epoch } : {}) }), strayed: false };
  } catch (error) {
    return { divergence: about(state, 'bare-fact-differs', at, { again: shown(String(error)) }), strayed: true };
  }
}

function bareAgain(state: PartitionState, fact: Fact, markerDigest: Buffer): Fact | null {
  if (fact.type === 'EpochStarted') return markerAgain(fact);
  if (fact.type !== 'Checkpointed') return null;
  // It was to stand right behind its marker; what an owner that was replaced wrote in between moves it, and changes nothing.
  return checkpointOf(state, policyWith(policyOfText((fact satisfies Checkpointed).policy).policy, state), { offset: state.epoch + 1, markerDigest, writtenAtMs: fact.writtenAtMs });
}

function markerAgain({ owner }: EpochStarted): EpochStarted {
  return {
    type: 'EpochStarted', step: '', agent: '', epoch: -1, cause: -1, tenant: '', job: '', instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: '',
    workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: 0, trace: '', authentic: true, causeDigest: Buffer.alloc(0), owner,
  };
}

/** Where a decision cannot be taken again, what was recorded is folded, so that those after it can. */
function foldRecorded(state: PartitionState, facts: readonly RecordedFact[], divergence: Divergence): Redecided {
  try {
    for (const { fact, record } of facts) evolve(state, fact, record.offset);
    return { divergence, strayed: false };
  } catch {
    // An altered fact may hold anything: what is named already is why.
    return { divergence, strayed: true };
  }
}

function about(state: PartitionState, kind: DivergenceKind, { record, fact }: RecordedFact, what: Partial<Divergence>): Divergence {
  return { ...nowhere(state), kind, verifiedOffset: record.offset, quarantineOffset: fact.cause, eventType: fact.type, job: fact.job, step: fact.step, ...what };
}

function nowhere(state: PartitionState): Divergence {
  return { kind: 'unreadable', partition: state.partition, verifiedOffset: -1, againstOffset: -1, quarantineOffset: -1, eventType: '', job: '', step: '', field: '', recorded: '', again: '' };
}
