import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Fact } from '../../schemas/generated/events.js';
import type { PartitionState } from '../blackboard/board.js';
import { EpochFilter } from '../runtime/log/epoch-filter.js';
import type { LogRecord } from '../runtime/log/port.js';
import { PartitionFixture } from '../testing/partition-fixture.js';
import { codec, topics } from '../testing/simulation/blackboard-of-seed.js';
import { playSeed } from '../testing/simulation/run-seed.js';
import { longMax } from './add-micros.js';
import { emptyPartition, evolve } from './evolve.js';
import { freeze, Thaw } from './freeze.js';
import { stateHash } from './state-hash.js';

function again(state: PartitionState): PartitionState {
  const thaw = new Thaw();
  for (const part of freeze(state)) thaw.add(part);
  return thaw.finish();
}

function fold(state: PartitionState, records: readonly LogRecord[], epoch: number, onFact: (next: number, epoch: number) => void = () => undefined): PartitionState {
  const filter = new EpochFilter(epoch);
  for (const { offset, value } of records) {
    const fact = codec.decodeFact(value) as Fact;
    if (filter.counts(offset, fact.type, fact.epoch)) evolve(state, fact, offset);
    onFact(offset + 1, filter.epoch);
  }
  return state;
}

/** All of verified of a seed's run, by partition. */
async function recorded(seed: number): Promise<readonly (readonly LogRecord[])[]> {
  const { world } = await playSeed(seed);
  return Array.from({ length: world.partitions }, (_, partition) => world.store.slice({ topic: topics.verified, partition, from: 0, until: world.store.range(topics.verified, partition).next, bytesMax: Infinity }));
}

describe('a frozen state', () => {
  it('means the same when it is thawed, at every offset of a log (I6)', async () => {
    for (const seed of [3, 11]) {
      for (const [partition, records] of (await recorded(seed)).entries()) {
        const state = emptyPartition(partition);
        fold(state, records, -1, (next) => assert.equal(stateHash(again(state)), stateHash(state), `seed ${seed}, partition ${partition}, offset ${next}`));
      }
    }
  });

  it('is gone on from to the same state as a fold from the beginning, wherever it was frozen (R10)', async () => {
    for (const seed of [5, 8, 1597]) {
      for (const [partition, records] of (await recorded(seed)).entries()) {
        const frozen: { readonly next: number; readonly epoch: number; readonly parts: readonly Buffer[] }[] = [];
        const state = emptyPartition(partition);
        fold(state, records, -1, (next, epoch) => { if (next % 13 === 0) frozen.push({ next, epoch, parts: [...freeze(state)] }); });
        const whole = stateHash(state);
        for (const { next, epoch, parts } of frozen) {
          const thaw = new Thaw();
          for (const part of parts) thaw.add(part);
          assert.equal(stateHash(fold(thaw.finish(), records.slice(next), epoch)), whole, `seed ${seed}, partition ${partition}, frozen at ${next}`);
        }
      }
    }
  });

  it('keeps inline bodies, parameters and numbers to the last bit, and the timers that the fold would have', () => {
    const fixture = new PartitionFixture();
    fixture.submit('job-1', { params: '{"b":[1,{"__proto__":"x"}],"a":"\\ud800 \\u2028","n":1e300}' });
    fixture.propose('first', ['a body that rides inline'], { usage: { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: longMax } });
    const thawed = again(fixture.state);
    assert.equal(stateHash(thawed), stateHash(fixture.state));
    const [job] = [...thawed.jobs.values()];
    const [before] = [...fixture.state.jobs.values()];
    assert.deepEqual(job?.artifacts[0]?.inline, before?.artifacts[0]?.inline);
    assert.ok((job?.artifacts[0]?.inline?.length ?? 0) > 0);
    assert.equal(JSON.stringify(job?.params), JSON.stringify(before?.params));
    assert.equal(job?.workflow.steps[0], job?.steps['first']?.definition);
    assert.equal(thawed.timers.length, 1);
  });

  it('comes in parts that are small, whatever the number of jobs', () => {
    const fixture = new PartitionFixture();
    for (let n = 0; n < 2_500; n += 1) fixture.submit(`job-${n}`);
    const parts = [...freeze(fixture.state)];
    assert.equal(parts.length, 3);
    assert.equal(stateHash(again(fixture.state)), stateHash(fixture.state));
  });

  it('is refused when its parts are torn, cut or out of order', () => {
    const fixture = new PartitionFixture();
    for (let n = 0; n < 1_200; n += 1) fixture.submit(`job-${n}`);
    const [first, second] = [...freeze(fixture.state)] as [Buffer, Buffer];
    assert.throws(() => new Thaw().add(second), /no head/);
    assert.throws(() => new Thaw().add(first.subarray(0, first.length / 2)));
    assert.throws(() => new Thaw().finish(), /no parts/);
  });

  it('builds nothing from a part in which any byte was changed, but what its bytes can hold', () => {
    const fixture = new PartitionFixture();
    for (let n = 0; n < 4; n += 1) fixture.submit(`job-${n}`);
    const inflated = inflateRawSync([...freeze(fixture.state)][0] as Buffer);
    let refused = 0;
    for (let at = 0; at < inflated.length; at += 1) {
      for (const wrong of [[0xff], [0x00], [(inflated[at] as number) ^ 0x80], [0xfe, 0xff, 0xff, 0xff, 0x0f]]) {
        const torn = Buffer.from(inflated);
        torn.set(wrong.slice(0, inflated.length - at), at);
        try {
          new Thaw().add(deflateRawSync(torn, { level: 0 }));
        } catch {
          refused += 1;
        }
      }
    }
    // Texts and numbers may change unseen here; the digest tells. What must not come is an array of millions.
    assert.ok(refused > inflated.length / 4, `${refused} of ${4 * inflated.length}`);
  });
});
