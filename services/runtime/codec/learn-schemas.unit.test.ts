import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlackboardError } from '../errors.js';
import { EventCodec } from './event-codec.js';
import { boundedLearning, learnSchemas } from './learn-schemas.js';

const naming = (id: number): Buffer => { const value = Buffer.alloc(6); value.writeInt32BE(id, 1); return value; };
const unknown = (id: number): BlackboardError => new BlackboardError('SCHEMA_UNKNOWN', `schema id ${id}`);

test('a flood of unknown ids asks a registry a bounded number of times, several at once, and says so once', async () => {
  const asked: number[] = [];
  const said: string[] = [];
  let underWay = 0;
  let most = 0;
  const learn = boundedLearning(async (id) => {
    asked.push(id);
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    throw unknown(id);
  }, (text) => said.push(text), { missesMax: 20, atOnceMax: 4 });
  const codec = new EventCodec();
  for (let batch = 0; batch < 5; batch += 1) {
    const known = await learnSchemas(Array.from({ length: 200 }, (_, index) => naming(batch * 150 + index)), codec, learn);
    assert.equal(known.size, 0);
  }
  assert.ok(asked.length >= 20 && asked.length < 24, `${asked.length} asked`);
  assert.deepEqual([new Set(asked).size, most, said.length], [asked.length, 4, 1]);
  assert.match(said[0] ?? '', /20 schema ids/);
});

test('asks once for an id that many records name, never for a negative one, and learns those among strangers', async () => {
  const codec = new EventCodec();
  const avro = { type: 'record', name: 'TickObserved', namespace: 'blackboard.v1', fields: [{ name: 'type', type: 'string' }] };
  codec.define('TickObserved', avro, 1);
  const asked: number[] = [];
  const learn = boundedLearning((id) => {
    asked.push(id);
    if (id === 7) codec.learn(id, avro);
    else if (id === 8) codec.learn(id, { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
    else throw unknown(id);
    return Promise.resolve();
  }, () => undefined);
  const values = [1, 5, 7, -3, 5, 8, 7].map(naming);
  for (let times = 0; times < 3; times += 1) assert.deepEqual([...await learnSchemas([...values, Buffer.of(0, 0), Buffer.from('no frame')], codec, learn)].sort(), [1, 7]);
  assert.deepEqual(asked, [5, 7, 8]);
});

test('a registry that is away is no answer: nothing counts as unknown, and it is asked again', async () => {
  let isAway = true;
  let asked = 0;
  const learn = boundedLearning((id) => {
    asked += 1;
    return Promise.reject(isAway ? new BlackboardError('REGISTRY_UNAVAILABLE', 'away') : unknown(id));
  }, () => undefined, { missesMax: 2 });
  for (let times = 0; times < 5; times += 1) await assert.rejects(learnSchemas([naming(5)], new EventCodec(), learn), { code: 'REGISTRY_UNAVAILABLE' });
  isAway = false;
  await learnSchemas([naming(5)], new EventCodec(), learn);
  assert.equal(asked, 6);
});
