// Bad work of the one that was asked: answers that break contract, evidence, freshness or bounds close the attempt that
// they answer; what is not authentic (an invented receipt) closes nothing.

import { contentHash } from '../../blackboard/ids.js';
import { encodeBody } from '../../runtime/codec/contract-codec.js';
import { findingContract } from '../../../workflows/brief/contracts.js';
import { noteContract } from '../../../workflows/noop/contracts.js';
import { answerFields, artifact, verdictsOn, type Fields } from '../chaos/claims.js';
import { about, anyHash, refused, type Kind, type Vantage } from './kind.js';
import type { Refusal } from '../../blackboard/reasons.js';

type Step = 'note' | 'cited' | 'plan';

function goodNote({ dice }: Vantage): Buffer {
  return encodeBody(noteContract, { text: `note ${dice.next()}` });
}

function goodFinding({ dice }: Vantage): Buffer {
  return encodeBody(findingContract, { claim: 'c', documentHash: 'a'.repeat(64), documentId: 'd.md', position: 0, quote: `q ${dice.next()}`, subQuestion: 's', confidence: 1, freshAtMs: 1 });
}

/** One artifact of a contract, with fields changed. */
function one(body: Buffer, contract: string, over: Fields = {}, bodyOver: Fields = {}): Fields {
  const { artifacts: [made] } = artifact(body) as { artifacts: [Fields & { body: Fields }] };
  return { ...made, contract, ...over, body: { ...made.body, ...bodyOver } };
}

function bad(name: string, reason: Refusal, step: Step, change: (at: Vantage) => Fields, more: Partial<Kind> = {}): Kind {
  return {
    name, expects: refused(reason, 'attempt-open'), closes: true, ...more,
    make: (at) => {
      const request = at.bait(step);
      return request === null ? null : about(request, at.sender.signed('ArtifactsProposed', { ...answerFields(request.fact, request.record.offset), receipts: [], ...change(at) }, { principal: 'mallory' }));
    },
  };
}

function badNote(name: string, reason: Refusal, over: (at: Vantage) => Fields, body: (at: Vantage) => Fields = () => ({}), more: Partial<Kind> = {}): Kind {
  return bad(name, reason, 'note', (at) => ({ artifacts: [one(goodNote(at), 'note@1', over(at), body(at))] }), more);
}

/** Avro of a plan with so many items, which no rule of the contract allows. */
function hugePlan(items: number): Buffer {
  const text = (value: string): Buffer => Buffer.concat([zigzag(Buffer.byteLength(value)), Buffer.from(value)]);
  return Buffer.concat([text('q'), zigzag(items), ...Array.from({ length: items }, (_, index) => Buffer.concat([text(`i${index}`), text('q')])), zigzag(0)]);
}

function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const nothing = (): Fields => ({});

const closing: readonly Kind[] = [
  badNote('wrong contract version', 'wrong-contract', () => ({ contract: 'note@2' })),
  bad('body that is no value of its contract', 'contract-violation', 'note', (at) => ({ artifacts: [one(Buffer.from(`\u001b[2J ${at.dice.next()}`), 'note@1')] })),
  bad('plan that expands beyond its bounds', 'contract-violation', 'plan', ({ dice }) => ({ artifacts: [one(hugePlan(dice.between(200, 1_500)), 'plan@1')] })),
  bad('plan whose items have the same id', 'contract-violation', 'plan', () => ({ artifacts: [one(Buffer.concat([zigzag(1), Buffer.from('q'), zigzag(2), zigzag(1), Buffer.from('i'), zigzag(1), Buffer.from('q'), zigzag(1), Buffer.from('i'), zigzag(1), Buffer.from('q'), zigzag(0)]), 'plan@1')] })),
  badNote('hash of another body', 'hash-mismatch', nothing, (at) => ({ hash: anyHash(at) })),
  badNote('size that is not the body\'s', 'hash-mismatch', nothing, () => ({ size: 1 })),
  badNote('body by reference without a receipt', 'body-missing', nothing, () => ({ encoding: 'reference', bytes: Buffer.alloc(0) })),
  badNote('body in an encoding that nobody knows', 'body-missing', nothing, () => ({ encoding: 'encrypted' })),
  bad('large body without a receipt', 'body-missing', 'note', () => ({ artifacts: [one(encodeBody(noteContract, { text: 'x'.repeat(20_000) }), 'note@1')] }), { share: 0.3 }),
  badNote('reference to a body that nobody put', 'evidence-unresolved', (at) => ({ refs: [anyHash(at)] })),
  badNote('evidence that cites an invented receipt', 'evidence-unresolved', (at) => ({ evidence: [{ source: 'receipt', reference: anyHash(at), position: -1 }] })),
  bad('no evidence', 'evidence-missing', 'cited', (at) => ({ artifacts: [one(goodFinding(at), 'finding@1')] })),
  bad('evidence in a document that was not given', 'evidence-unresolved', 'cited', (at) => ({ artifacts: [one(goodFinding(at), 'finding@1', { evidence: [{ source: 'document', reference: anyHash(at), position: 3 }] })] })),
  badNote('stale data', 'stale', () => ({ freshAtMs: Date.now() - 3_600_000 })),
  badNote('freshness in the future', 'future-stamp', ({ dice }) => ({ freshAtMs: Date.now() + dice.pick([600_000, 10 ** 12, 2 ** 51]) })),
  badNote('confidence out of range', 'confidence-low', ({ dice }) => ({ confidence: dice.pick([Number.NaN, 1.01, -1, Infinity, 0.49]) })),
  bad('the same body twice in one claim', 'duplicate-artifact', 'note', (at) => {
    const same = one(goodNote(at), 'note@1');
    return { artifacts: [same, same] };
  }),
  bad('too many artifacts', 'too-many-artifacts', 'note', (at) => ({ artifacts: Array.from({ length: 60 }, () => one(goodNote(at), 'note@1')) })),
  bad('too few artifacts', 'too-few-accepted', 'note', () => ({ artifacts: [] })),
  bad('claim near the size of a record', 'body-missing', 'note', () => ({ artifacts: [one(Buffer.alloc(380 * 1024, 'x'), 'note@1')] }), { share: 0.02 }),
];

const invented: readonly Kind[] = [
  bad('receipt of the gateway that it never gave', 'bad-receipt', 'note', (at) => {
    const body = goodNote(at);
    return { artifacts: [one(body, 'note@1')], receipts: [{ kind: 'body', hashes: [contentHash(body)], signer: 'gateway#k1', atMs: Date.now(), signature: Buffer.alloc(32, at.dice.between(0, 255)) }] };
  }, { closes: false }),
  bad('receipt that the agent gave itself', 'bad-receipt', 'note', (at) => {
    const body = goodNote(at);
    return { artifacts: [one(body, 'note@1')], receipts: [{ kind: 'body', hashes: [contentHash(body)], signer: 'mallory#k1', atMs: Date.now(), signature: Buffer.alloc(32, 1) }] };
  }, { closes: false }),
];

function judgement(name: string, reason: Refusal, change: (at: Vantage, shown: readonly string[]) => Fields): Kind {
  return {
    name, expects: refused(reason, 'attempt-open'),
    make: (at) => {
      const request = at.judged();
      if (request === null || request.fact.type !== 'VerificationRequested') return null;
      const shown = request.fact.candidates.map((candidate) => candidate.hash);
      return about(request, at.sender.signed('VerdictsPosted', { ...answerFields(request.fact, request.record.offset), ...verdictsOn(shown), ...change(at, shown) }, { principal: 'mallory-checker' }));
    },
  };
}

function verdictWith(hash: string, over: Fields): Fields {
  const { verdicts: [made] } = verdictsOn([hash]) as { verdicts: [Fields] };
  return { verdicts: [{ ...made, ...over }] };
}

const judgements: readonly Kind[] = [
  judgement('verdict for another hash', 'foreign-candidate', (at) => verdictsOn([anyHash(at)])),
  judgement('verdict for one hash more than was shown', 'foreign-candidate', (at, shown) => verdictsOn([...shown, anyHash(at)])),
  judgement('two verdicts for one hash', 'foreign-candidate', (_at, shown) => verdictsOn([...shown, ...shown])),
  judgement('no verdict', 'foreign-candidate', () => ({ verdicts: [] })),
  judgement('more checks passed than there were', 'malformed-claim', (_at, [hash = '']) => verdictWith(hash, { checksPassed: 2, checksTotal: 1 })),
  judgement('no checks at all', 'malformed-claim', (_at, [hash = '']) => verdictWith(hash, { checksPassed: 0, checksTotal: 0 })),
  judgement('verdict before its request', 'wrong-request', ({ dice }) => ({ requestOffset: 2 ** 40 + dice.between(0, 1000) })),
  judgement('verdict on an earlier request', 'wrong-request', () => ({ requestOffset: 0 })),
];

export const badAnswers: readonly Kind[] = [...closing, ...invented, ...judgements];
