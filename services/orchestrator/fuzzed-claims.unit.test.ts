// Any claim with any of its fields or bytes changed, signed with real keys: each has one decision, no verb throws, no
// control character reaches a name on verified, and a reader of the log comes to the same state.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fact, VerificationRequested } from '../../schemas/generated/events.js';
import { jobId } from '../blackboard/ids.js';
import { encodeBody } from '../runtime/codec/contract-codec.js';
import { artifactOf, note, PartitionFixture, principals, twoSteps, type ClaimFields } from '../testing/partition-fixture.js';
import { Dice } from '../testing/simulation/dice.js';
import { emptyPartition, evolve } from './evolve.js';

const texts = ['', 'x', '\u0000', '\u001b[2J', 'ac\u202eme', '__proto__', 'constructor', 'a'.repeat(300), 'a'.repeat(70_000), '\ud800', 'f'.repeat(64), 'first', 'second', 'note@2', 'maker', 'other#k1', '{}', '[', 'inline', 'reference'];
const numbers = [0, -1, 1, 2 ** 31 - 1, -(2 ** 31), 2 ** 53 - 10_000, -(2 ** 53 - 10_000), Number.NaN, Infinity, 0.5];
const names = ['tenant', 'step', 'agent', 'agentVersion', 'correlation', 'onBehalfOf', 'promptHash', 'modelId', 'signer', 'trace', 'reason', 'detail', 'fallbackTaken', 'artifactType'] as const;
const claimsPerJob = 12;

/** One value, or one within it, becomes another of its kind. */
function changed(value: unknown, dice: Dice): unknown {
  if (typeof value === 'string') return dice.pick(texts);
  if (typeof value === 'number') return dice.pick(numbers);
  if (typeof value === 'boolean') return !value;
  if (Buffer.isBuffer(value)) return dice.pick([Buffer.alloc(0), Buffer.alloc(10, 255), Buffer.alloc(70_000, 1)]);
  if (Array.isArray(value)) return value.length === 0 ? value : dice.pick([[], [...value, ...value], value.map((item) => changed(item, dice))]);
  if (value === null || typeof value !== 'object') return value;
  const key = dice.pick(Object.keys(value));
  return { ...value, [key]: changed((value as Record<string, unknown>)[key], dice) };
}

type Draft = { readonly type: 'ArtifactsProposed' | 'VerdictsPosted' | 'FailureReported' | 'JobSubmitted'; readonly fields: ClaimFields };

function draft(fixture: PartitionFixture, key: string, dice: Dice): Draft {
  const job = jobId('acme', key);
  const about = fixture.answering('first', dice.pick(['maker', 'checker', 'other']), job);
  switch (dice.between(0, 4)) {
    case 0: return { type: 'FailureReported', fields: { ...about, code: 'x', retryable: true } };
    case 1: {
      const { fact } = fixture.request('first', job);
      const shown = fact.type === 'VerificationRequested' ? (fact as VerificationRequested).candidates.map(({ hash }) => hash) : ['a'.repeat(64)];
      return { type: 'VerdictsPosted', fields: { ...about, verdicts: shown.map((hash) => ({ hash, accepted: false, reason: 'no', checksPassed: 1, checksTotal: 2, reasons: [{ code: 'c', position: 1 }] })) } };
    }
    case 2: return { type: 'JobSubmitted', fields: { signer: 'ingress#k1', tenant: 'acme', job, idempotencyKey: key, workflow: 'two', params: '{}', deadlineMs: 0, costCapMicros: 0, goal: '' } };
    default: {
      const made = artifactOf(encodeBody(note, { text: `t${dice.next()}` }), 'note@1', dice.chance(0.5));
      const receipts = dice.chance(0.7) ? [fixture.receipt(about, [made.body.hash], 'maker')] : [];
      return { type: 'ArtifactsProposed', fields: { ...about, artifacts: [made], receipts } };
    }
  }
}

/** Posts one claim; null when what was drawn cannot even be encoded by its sender. */
function post(fixture: PartitionFixture, { type, fields }: Draft, dice: Dice): readonly Fact[] | null {
  const hostile = dice.chance(0.85) ? changed(fields, dice) as ClaimFields : fields;
  const signer = principals.map((principal) => `${principal}#k1`).find((name) => name === hostile.signer) ?? 'maker#k1';
  let bytes: Buffer;
  try {
    bytes = fixture.bytes(type, hostile, signer);
  } catch {
    return null;
  }
  if (dice.chance(0.2)) bytes[dice.between(0, bytes.length - 1)] = dice.between(0, 255);
  return fixture.postBytes(bytes, Buffer.from(String(fields.job)));
}

function shown(state: PartitionFixture['state']): string {
  return JSON.stringify({ jobs: [...state.jobs], remembered: [...state.remembered.values(state.timeMs)], cursor: state.cursor, timeMs: state.timeMs });
}

describe('claims with anything changed', () => {
  for (const verifier of ['', 'checker']) {
    it(`each has one decision that a reader folds to the same state (${verifier === '' ? 'judged by the gate alone' : 'seen by a verifier'})`, () => {
      const dice = new Dice(verifier === '' ? 11 : 12);
      const fixture = new PartitionFixture({ workflow: twoSteps({ verifier, attempts: 20 }) });
      let posted = 0;
      for (let index = 0; index < 40; index += 1) {
        const key = `job-${index}`;
        fixture.submit(key);
        for (let count = 0; count < claimsPerJob; count += 1) {
          const facts = post(fixture, draft(fixture, key, dice), dice);
          if (facts === null) continue;
          posted += 1;
          assert.ok(facts.length > 0);
          for (const fact of facts) for (const name of names) assert.doesNotMatch(String((fact as unknown as Record<string, unknown>)[name] ?? ''), /[\p{Cc}\p{Cf}\p{Cs}]/u, `${fact.type}.${name}`);
        }
      }
      assert.deepEqual(fixture.threw, []);
      assert.ok(posted > 200, `${posted} claims`);
      const again = emptyPartition(0);
      for (const { fact, offset } of fixture.verified) evolve(again, fixture.codec.decodeFact(fixture.codec.encode(fact)) as Fact, offset);
      assert.equal(shown(again), shown(fixture.state));
    });
  }
});
