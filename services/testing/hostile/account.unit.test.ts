// The accounting must see what it is there for: each of these logs has one thing wrong.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Fact } from '../../../schemas/generated/events.js';
import { topicNames } from '../../../topics/topics.js';
import { emptyEnvelope } from '../../blackboard/empty-envelope.js';
import { embeddedCodec } from '../../runtime/codec/embedded-codec.js';
import { MemoryLogStore } from '../../runtime/log/memory/memory-log.js';
import { projectRoot } from '../../runtime/project-root.js';
import { account, type Account } from './account.js';
import { Book } from './book.js';
import { refused, type Kind } from './kind.js';

const codec = embeddedCodec(join(projectRoot, 'schemas'));
const topics = topicNames();
const forged: Kind = { name: 'forged', expects: refused('foreign-claim', 'attempt-open'), make: () => null };
const garbage: Kind = { name: 'garbage', expects: { deadLetter: 'not-avro' }, make: () => null };
const job = 'a'.repeat(32);
const base = { ...emptyEnvelope, epoch: 0, authentic: true, causeDigest: Buffer.alloc(0), job, instance: 1, step: 'one', attempt: 1 };
const marker = { ...base, type: 'EpochStarted', epoch: -1, job: '', owner: 't' } as unknown as Fact;
const asked = { ...base, type: 'VerificationRequested', cause: 1, params: '', inputs: [], candidates: [], deadlineAtMs: 0, capability: { principal: '', hashes: [], expiresAtMs: 0 }, inputHash: '', edgeLabel: '', costMicros: 0, fallbackTaken: '' } as unknown as Fact;
const ticked = (cause: number): Fact => ({ ...base, type: 'TickObserved', cause, job: '', timeMs: 1 }) as unknown as Fact;
const refusal = (cause: number, reason: string, over: object = {}): Fact => ({ ...base, type: 'ClaimRefused', cause, claimType: 'VerdictsPosted', reason, closesAttempt: false, detail: '', ...over }) as unknown as Fact;
const failed = (cause: number): Fact => ({ ...base, type: 'AttemptFailed', cause, reason: 'x', reasons: [], retryAtMs: -1, latencyMs: 0, costMicros: 0, fallbackTaken: '', edgeLabel: '' }) as unknown as Fact;
const letter = (cause: number): Fact => ({ ...base, type: 'ClaimDeadLettered', cause, job: '', reason: 'not-avro' }) as unknown as Fact;

async function accountOf(facts: readonly Fact[], letters: readonly string[] = []): Promise<Account> {
  const log = new MemoryLogStore({ topics: [{ name: topics.quarantine, partitions: 1 }, { name: topics.verified, partitions: 1 }, { name: topics.deadLetter, partitions: 1 }] }).open();
  await log.append({ topic: topics.verified, partition: 0, records: facts.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact) })) });
  for (const key of letters) await log.append({ topic: topics.deadLetter, partition: 0, records: [{ key: Buffer.from(key), value: Buffer.alloc(1) }] });
  const book = new Book();
  book.sent.set('0/2', { kind: forged, job: `${job}/1`, step: 'one', attempt: 1 });
  book.sent.set('0/3', { kind: garbage, job: '', step: '', attempt: 0 });
  return account({ log, topics, codec }, book, [forged, garbage]);
}

const dead = [`${topics.quarantine}/0/3`];

describe('the account of hostile records', () => {
  it('finds nothing where each has its one right answer', async () => {
    const { problems, refused: refusals, deadLettered, accepted } = await accountOf([marker, asked, refusal(2, 'foreign-claim'), letter(3)], dead);
    assert.deepEqual([problems, refusals, deadLettered, accepted], [[], 1, 1, 0]);
  });

  it('asks for the reason that the log at that place gives', async () => {
    assert.equal((await accountOf([marker, refusal(2, 'late-attempt'), letter(3)], dead)).problemCount, 0, 'nothing was asked');
    assert.match((await accountOf([marker, asked, refusal(2, 'late-attempt'), letter(3)], dead)).problems[0] ?? '', /"refused: late-attempt" where "refused: foreign-claim"/);
    assert.match((await accountOf([marker, asked, failed(1), refusal(2, 'foreign-claim'), letter(3)], dead)).problems[0] ?? '', /"refused: foreign-claim" where "refused: late-attempt"/);
  });

  it('finds no answer, two answers, and an answer that does not count', async () => {
    assert.match((await accountOf([marker, asked, letter(3)], dead)).problems[0] ?? '', /no answer/);
    assert.match((await accountOf([marker, asked, refusal(2, 'foreign-claim'), refusal(2, 'foreign-claim'), letter(3)], dead)).problems[0] ?? '', /answered twice/);
    assert.match((await accountOf([marker, asked, refusal(2, 'foreign-claim', { epoch: 7 }), letter(3)], dead)).problems[0] ?? '', /no answer/);
  });

  it('finds any other effect', async () => {
    const found = await accountOf([marker, asked, ticked(2), refusal(2, 'foreign-claim'), letter(3)], dead);
    assert.equal(found.accepted, 1);
    assert.match(found.problems[0] ?? '', /led to TickObserved/);
  });

  it('finds a dead letter that is missing, and one too many', async () => {
    const facts = [marker, asked, refusal(2, 'foreign-claim'), letter(3)];
    assert.match((await accountOf(facts)).problems[0] ?? '', /0 dead letters where 1/);
    assert.match((await accountOf(facts, [...dead, ...dead])).problems[0] ?? '', /2 dead letters where 1/);
    assert.match((await accountOf(facts, [...dead, `${topics.quarantine}/0/2`])).problems[0] ?? '', /1 dead letters where 0/);
  });
});
