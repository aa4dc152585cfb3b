import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { BlackboardError } from '../runtime/errors.js';
import { createLogger } from '../runtime/logger.js';
import type { LogRecord, Member } from '../runtime/log/port.js';
import { topicNames } from '../../topics/topics.js';
import { DecisionQueue } from './decision-queue.js';
import type { OwnerEffects } from './owner-effects.js';

const { quarantine } = topicNames('bb.');

function record(offset: number, key: Buffer, value: Buffer): LogRecord {
  return { topic: quarantine, partition: 0, offset, appendTimeMs: 1, key, value };
}

function framed(offset: number, schemaId: number): LogRecord {
  const value = Buffer.alloc(6);
  value.writeInt32BE(schemaId, 1);
  return record(offset, Buffer.alloc(0), value);
}

function queueWith(effects: Partial<OwnerEffects>): { readonly queue: DecisionQueue; readonly paused: () => boolean } {
  let isPaused = false;
  const member = { start: () => { isPaused = false; }, pause: () => { isPaused = true; }, resume: () => { isPaused = false; } } as unknown as Member;
  const queue = new DecisionQueue(0, quarantine, member, { logger: createLogger({ service: 'test', level: 'silent' }), sleep: () => Promise.resolve(), ...effects } as OwnerEffects);
  queue.begin(0);
  return { queue, paused: () => isPaused };
}

describe('the queue of an owner', () => {
  it('asks the log to pause for records that are large by their keys', () => {
    const { queue, paused } = queueWith({});
    queue.enqueue(Array.from({ length: 40 }, (_, offset) => record(offset, Buffer.alloc(300 * 1024), Buffer.alloc(0))));
    assert.equal(paused(), true);
  });

  it('asks the log to pause for records that are many, though all are empty', () => {
    const { queue, paused } = queueWith({});
    queue.enqueue(Array.from({ length: 100_000 }, (_, offset) => record(offset, Buffer.alloc(0), Buffer.alloc(0))));
    assert.equal(paused(), true);
  });

  it('learns a schema although a stranger named one beside it that does not exist', async () => {
    const known = new Set<number>();
    const learn = async (id: number): Promise<void> => {
      if (id === 666) throw new BlackboardError('SCHEMA_UNKNOWN', 'no such schema');
      await turnOfLoop();
      known.add(id);
    };
    const asked: number[] = [];
    const { queue } = queueWith({ learn: (id) => { asked.push(id); return learn(id); }, codec: { knows: (id: number) => known.has(id) } as never });
    queue.enqueue([framed(0, 666), framed(1, 7)]);
    await new Promise<void>((resolve) => assert.equal(queue.ready(resolve), false));
    assert.equal(known.has(7), true);
    assert.equal(queue.ready(() => undefined), true);
    assert.equal(asked.filter((id) => id === 666).length, 1);
  });

  it('lets what lies before an unknown schema be decided while the registry is asked', async () => {
    const known = new Set([7]);
    const asked: number[] = [];
    const { queue } = queueWith({ learn: async (id) => { asked.push(id); await turnOfLoop(); known.add(id); }, codec: { knows: (id: number) => known.has(id) } as never });
    queue.enqueue([framed(0, 7), framed(1, 8)]);
    const learnt = new Promise<void>((resolve) => assert.equal(queue.ready(resolve), true, 'the first record waits for the second'));
    assert.deepEqual(asked, [8]);
    await learnt;
    assert.equal(known.has(8), true);
  });

  it('asks again for a schema while the registry does not answer, before it gives a record up', async () => {
    let tries = 0;
    const known = new Set<number>();
    const { queue } = queueWith({
      learn: async (id) => {
        tries += 1;
        if (tries < 3) throw new BlackboardError('REGISTRY_UNAVAILABLE', 'no answer');
        known.add(id);
      },
      codec: { knows: (id: number) => known.has(id) } as never,
    });
    queue.enqueue([framed(0, 7)]);
    await new Promise<void>((resolve) => assert.equal(queue.ready(resolve), false));
    assert.equal(tries, 3);
    assert.equal(known.has(7), true);
  });

  it('asks again for an id that a stranger named before there was such a schema', async () => {
    const registered = new Set<number>();
    const known = new Set<number>();
    const learn = async (id: number): Promise<void> => {
      await turnOfLoop();
      if (!registered.has(id)) throw new BlackboardError('SCHEMA_UNKNOWN', 'no such schema');
      known.add(id);
    };
    const { queue } = queueWith({ learn, codec: { knows: (id: number) => known.has(id) } as never });
    queue.enqueue([framed(0, 8)]);
    await new Promise<void>((resolve) => assert.equal(queue.ready(resolve), false));
    assert.equal(queue.ready(() => undefined), true, 'what was there when it was asked for is decided');
    registered.add(8);
    queue.clear();
    queue.begin(1);
    queue.enqueue([framed(1, 8)]);
    await new Promise<void>((resolve) => assert.equal(queue.ready(resolve), false));
    assert.equal(known.has(8), true);
  });

  it('waits for a registry that is away once, not anew for each id that somebody makes up', async () => {
    let asked = 0;
    let isBack = false;
    const { queue } = queueWith({ learn: async () => { asked += 1; throw new BlackboardError(isBack ? 'SCHEMA_UNKNOWN' : 'REGISTRY_UNAVAILABLE', 'no answer'); }, codec: { knows: () => false } as never });
    const timesAsked: number[] = [];
    for (let offset = 0; offset < 4; offset += 1) {
      queue.clear();
      queue.begin(offset);
      queue.enqueue([framed(offset, 100 + offset)]);
      asked = 0;
      isBack = offset === 2;
      await new Promise<void>((resolve) => assert.equal(queue.ready(resolve), false));
      timesAsked.push(asked);
    }
    assert.deepEqual(timesAsked, [5, 1, 1, 5]);
  });
});
