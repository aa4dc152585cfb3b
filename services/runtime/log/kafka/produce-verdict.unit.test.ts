import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoAnswerInTime } from './kafka-error.js';
import { covered, verdictOf } from './produce-verdict.js';
import type { ProducedPart } from './wire/produce.js';

const part = (topic: string, partition: number): { lane: { key: string; topic: string } } => ({ lane: { key: `${topic}/${partition}`, topic } });
const answer = (partition: number, change: Partial<ProducedPart> = {}): ProducedPart => ({ topic: 't', partition, errorCode: 0, baseOffset: 5, appendTimeMs: 1, ...change });
const protocol = (type: string): Error => Object.assign(new Error(type), { type });

test('takes an answer that covers each partition once', () => {
  const answers = covered([part('t', 0), part('t', 1)], [answer(1, { baseOffset: 9 }), answer(0)]);
  assert.equal(answers.get('t/1')!.baseOffset, 9);
});

const incomplete: readonly [string, readonly ProducedPart[]][] = [
  ['leaves one out', [answer(0)]],
  ['names one twice', [answer(0), answer(0)]],
  ['names a foreign one', [answer(0), answer(2)]],
  ['holds one more than was sent', [answer(0), answer(1), answer(2)]],
  ['has an error for one', [answer(0), answer(1, { errorCode: 7 })]],
  ['has no offset for one', [answer(0), answer(1, { baseOffset: -1 })]],
];
for (const [what, partitions] of incomplete) {
  test(`does not take an answer that ${what}`, () => {
    assert.throws(() => covered([part('t', 0), part('t', 1)], partitions));
  });
}

const verdicts: readonly [string, string, Error, ReturnType<typeof part>[], number][] = [
  ['refused what was never written', 'APPEND_REFUSED', new Error('no broker'), [part('t', 0), part('t', 1)], 0],
  ['unknown what was written and not answered', 'APPEND_UNKNOWN', new Error('closed'), [part('t', 0)], 1],
  ['too large a batch that was alone in its first request', 'APPEND_TOO_LARGE', protocol('MESSAGE_TOO_LARGE'), [part('t', 0)], 1],
  ['unknown a batch beside one that was too large', 'APPEND_UNKNOWN', protocol('MESSAGE_TOO_LARGE'), [part('t', 0), part('t', 1)], 1],
  ['unknown a batch that was too large only when it was repeated', 'APPEND_UNKNOWN', protocol('MESSAGE_TOO_LARGE'), [part('t', 0)], 2],
  ['refused all partitions of a topic that may not be written', 'APPEND_REFUSED', protocol('TOPIC_AUTHORIZATION_FAILED'), [part('t', 0), part('t', 1)], 1],
  ['unknown two topics of which one may not be written', 'APPEND_UNKNOWN', protocol('TOPIC_AUTHORIZATION_FAILED'), [part('t', 0), part('u', 0)], 1],
  ['unknown what has come under another leader', 'APPEND_UNKNOWN', protocol('NOT_LEADER_FOR_PARTITION'), [part('t', 0)], 1],
];
test('says of a failed append whether its cause passes by itself', () => {
  const heals = (error: Error, writes: number): unknown => verdictOf(error, [part('t', 0)], { attempts: 1, writes }).details['heals'];
  const named = (name: string): Error => Object.assign(new Error(name), { name });
  for (const writes of [0, 1]) {
    assert.equal(heals(named('KafkaJSConnectionError'), writes), true);
    assert.equal(heals(new NoAnswerInTime('hangs'), writes), true);
    assert.equal(heals(protocol('LEADER_NOT_AVAILABLE'), writes), true);
    assert.equal(heals(protocol('TOPIC_AUTHORIZATION_FAILED'), writes), false);
  }
});
for (const [what, code, error, parts, writes] of verdicts) {
  test(`calls ${what}`, () => {
    assert.equal(verdictOf(error, parts, { attempts: Math.max(1, writes), writes }).code, code);
    // kafkajs wraps errors in one another.
    assert.equal(verdictOf(new Error('retries exceeded', { cause: error }), parts, { attempts: Math.max(1, writes), writes }).code, code);
  });
}
