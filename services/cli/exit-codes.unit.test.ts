import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlackboardError } from '../runtime/errors.js';
import { CliError, exitCodeOf, exitCodes, exitCodesText, exitMeanings } from './exit-codes.js';
import { exitOfStatus } from './ingress-client.js';
import { readDuration, readNumber, readParam } from './read-params.js';
import { readEventStream } from './read-event-stream.js';

test('every exit code is documented, and none stands for two things', () => {
  const codes = Object.values(exitCodes);
  assert.equal(new Set(codes).size, codes.length);
  for (const [name, code] of Object.entries(exitCodes)) assert.match(exitCodesText(), new RegExp(`${code} +${name} +${exitMeanings[name as keyof typeof exitCodes].slice(0, 10).replace(/[()]/g, '.')}`));
});

test('errors of the catalogue lead to the exit code that says what to do', () => {
  const codes = (['CONFIG_INVALID', 'NOT_FOUND', 'LOG_LOCKED', 'APPEND_UNKNOWN', 'TOPOLOGY_DRIFT', 'LOG_GAP', 'INPUT_INVALID'] as const).map((code) => exitCodeOf(new BlackboardError(code, '')));
  assert.deepEqual(codes, [78, 3, 4, 5, 6, 1, 2]);
  assert.equal(exitCodeOf(new CliError('usage', '')), 2);
  assert.equal(exitCodeOf(new Error('unknown')), 1);
});

test('answers of a service lead to the exit code of their kind', () => {
  assert.deepEqual([404, 400, 401, 409, 429, 500, 503].map(exitOfStatus), ['notFound', 'refused', 'refused', 'refused', 'unavailable', 'unavailable', 'unavailable']);
});

test('a parameter is text after =, JSON after :=, and refused otherwise', () => {
  assert.deepEqual(readParam('question=What is x=1?'), ['question', 'What is x=1?']);
  assert.deepEqual(readParam('count=3'), ['count', '3']);
  assert.deepEqual(readParam('count:=3'), ['count', 3]);
  for (const text of ['count', '=3', 'a b=3', 'count:={', 'count:={"a":1,"a":2}']) assert.throws(() => readParam(text), { name: 'CliError', exit: 'usage' });
});

test('durations need their unit, numbers their bounds', () => {
  assert.deepEqual(['500ms', '90s', '10m', '2h', '1d'].map(readDuration), [500, 90_000, 600_000, 7_200_000, 86_400_000]);
  for (const text of ['5', '-1s', '1w', '']) assert.throws(() => readDuration(text), { exit: 'usage' });
  assert.equal(readNumber('--port', 0, 10)('7'), 7);
  for (const text of ['11', '-1', '1.5', '', 'x']) assert.throws(() => readNumber('--port', 0, 10)(text), { exit: 'usage' });
});

test('an event stream is read whole, however its bytes are cut', async () => {
  const text = 'retry: 1000\n\n: beat\n\nid: 7\nevent: StepRequested\ndata: {"é":1}\n\nevent: end\ndata: {}\n\n';
  const bytes = Buffer.from(text);
  for (const size of [1, 3, 17, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
    const events = [];
    for await (const event of readEventStream((async function* () { yield* chunks; })())) events.push(event);
    assert.deepEqual(events, [{ id: '7', type: 'StepRequested', data: '{"é":1}' }, { id: '', type: 'end', data: '{}' }]);
  }
});
