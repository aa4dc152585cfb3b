import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { LogRecord } from '../../runtime/log/port.js';
import type { AppendEntry, Delivery } from '../simulation/append-history.js';
import { AppendHistory } from '../simulation/append-history.js';
import { topics } from '../simulation/blackboard-of-seed.js';
import { playSeed } from '../simulation/run-seed.js';
import { countAnomalies, findAnomalies } from './find-anomalies.js';
import { simulatedHistory } from './simulated-history.js';

const at = { topic: topics.verified, partition: 0 };
let records: readonly LogRecord[];
let honest: AppendHistory;

/** What is found when the history of the run is told otherwise. */
function found({ entries = honest.entries, deliveries = honest.deliveries, log = records }: { entries?: readonly AppendEntry[]; deliveries?: readonly Delivery[]; log?: readonly LogRecord[] }): Readonly<Record<string, number>> {
  const history = Object.assign(new AppendHistory(), { entries, deliveries });
  return countAnomalies(findAnomalies(simulatedHistory(history, at, log)));
}

function isHere({ topic, partition }: { readonly topic: string; readonly partition: number }): boolean {
  return topic === at.topic && partition === at.partition;
}

describe('the history of a simulated run', () => {
  before(async () => {
    // What a seed plays changes with the faults there are: the first one with appends of every outcome will do.
    for (let seed = 3; seed < 40; seed += 1) {
      const { world } = await playSeed(seed);
      honest = world.history;
      records = world.store.slice({ ...at, from: 0, until: world.store.range(at.topic, at.partition).next, bytesMax: Infinity });
      if (new Set(honest.entries.map(({ outcome }) => outcome)).size >= 3 && honest.deliveries.filter((delivery) => isHere(delivery.records[0] as LogRecord)).length > 20) break;
    }
  });

  it('shows no anomaly, with appends of every outcome and readers of every kind', () => {
    assert.deepEqual(found({}), {});
    const here = honest.entries.filter(({ batch }) => isHere(batch));
    assert.ok(here.some(({ outcome }) => outcome === 'acknowledged') && new Set(honest.entries.map(({ outcome }) => outcome)).size >= 3);
    assert.ok(honest.deliveries.filter((delivery) => isHere(delivery.records[0] as LogRecord)).length > 20);
  });

  it('shows an acknowledged append that is not there, a refused one that is, and one that nobody sent', () => {
    const acked = honest.entries.findIndex(({ batch, outcome }) => isHere(batch) && outcome === 'acknowledged' && batch.records.length === 1);
    const told = (over: Partial<AppendEntry>): readonly AppendEntry[] => honest.entries.map((entry, index) => (index === acked ? { ...entry, ...over } : entry));
    assert.deepEqual(found({ entries: told({ outcome: 'refused', baseOffset: -1 }) }), { G1a: 1 });
    assert.deepEqual(found({ entries: told({ outcome: 'unknown', baseOffset: -1 }) }), {});
    assert.deepEqual(found({ entries: honest.entries.filter((_, index) => index !== acked) }), { 'unsent-read': 1 });
    const lost = found({ entries: [...honest.entries, { ...(honest.entries[acked] as AppendEntry), baseOffset: records.length, beganAtMs: Infinity, answeredAtMs: Infinity }] });
    assert.deepEqual(lost, { unseen: 1 });
  });

  it('shows a delivery that leaves something out, goes back, or holds another record', () => {
    const index = honest.deliveries.findIndex((delivery) => isHere(delivery.records[0] as LogRecord) && delivery.records.length >= 3);
    const other = (change: (seen: readonly LogRecord[]) => readonly LogRecord[]): readonly Delivery[] => honest.deliveries.map((delivery, place) => (place === index ? { ...delivery, records: change(delivery.records) } : delivery));
    assert.deepEqual(found({ deliveries: other((seen) => [...seen.slice(0, 1), ...seen.slice(2)]) }), { 'internal-poll-skip': 1 });
    assert.deepEqual(found({ deliveries: other((seen) => seen.slice(1)) }), { 'external-poll-skip': 1 });
    assert.deepEqual(found({ deliveries: other((seen) => [seen[0] as LogRecord, ...seen]) }), { 'internal-nonmonotonic-poll': 1 });
    assert.deepEqual(found({ deliveries: other((seen) => seen.map((record, place) => (place === 1 ? { ...record } : record))) }), { 'inconsistent-offsets': 1, 'unsent-read': 1 });
  });

  it('names a batch that nobody was told of by all of its records, where another has the same bytes as its first', () => {
    const record = (offset: number, text: string): LogRecord => ({ ...at, offset, appendTimeMs: 0, key: Buffer.alloc(0), value: Buffer.from(text) });
    const log = [record(0, 'marker'), record(1, 'marker'), record(2, 'checkpoint')];
    const unknown = (...texts: readonly string[]): AppendEntry => ({ process: 'owner', batch: { ...at, records: texts.map((text) => record(0, text)) }, outcome: 'unknown', baseOffset: -1, beganAtMs: 0, evictedMs: 0, answeredAtMs: Infinity });
    const [single, renewal] = [unknown('marker'), unknown('marker', 'checkpoint')];
    for (const entries of [[single, renewal], [renewal, single]]) assert.deepEqual(found({ entries, deliveries: [], log }), {});
    // A batch torn apart is still seen.
    assert.deepEqual(found({ entries: [renewal, single], deliveries: [], log: [record(0, 'checkpoint'), record(1, 'marker'), record(2, 'marker')] })['internal-nonmonotonic-send'], 1);
  });
});
