// Stages of the runtime on the log that W3 has left behind, each beside what the client or Postgres can do alone.

import { join } from 'node:path';
import type { Fact } from '../../schemas/generated/events.js';
import { migrate } from '../../infra/sql/migrate.js';
import { replayLog } from '../../replay/replay.js';
import { contracts } from '../../workflows/contracts.js';
import { emptyPartition, evolve } from '../../services/orchestrator/evolve.js';
import { runProjector } from '../../services/projector/run-projector.js';
import { EpochFilter, noEpoch } from '../../services/runtime/log/epoch-filter.js';
import { openPgDatabase } from '../../services/runtime/postgres/pg-database.js';
import { Keyring } from '../../services/runtime/keyring.js';
import type { Cluster } from '../../services/testing/cluster.js';
import { makeDatabase } from '../../services/testing/make-database.js';
import { rawCopy } from '../limits/raw-copy.js';
import { consumeRate } from '../limits/raw-kafka.js';
import { decisions } from '../stages/decisions.js';
import type { Figures } from '../w3/measure.js';

export function kafkaStages(cluster: Cluster): Readonly<Record<string, () => Promise<Figures>>> {
  return {
    fold: () => fold(cluster),
    decode: () => decodeAndEncode(cluster),
    decisions: () => decisions({ log: cluster.log, codec: cluster.codec, topics: cluster.topics, keyring: new Keyring(cluster.keys), partition: 0, partitions: cluster.partitions }),
    replay: () => replay(cluster),
    drain: () => drain(cluster),
  };
}

/** Facts folded per second, read through the log port, and records per second that plain kafkajs reads of the same topic. */
async function fold({ log, codec, topics, env }: Cluster): Promise<Figures> {
  const ranges = await log.ranges(topics.verified);
  const brokers = (env['KAFKA_BROKERS'] ?? '').split(',');
  const records = ranges.reduce((sum, { next, low }) => sum + next - low, 0);
  const rawPerS = await consumeRate(brokers, topics.verified, records);
  const rawDecodedPerS = await consumeRate(brokers, topics.verified, records, (value) => codec.decodeFact(value));
  const sinceMs = performance.now();
  let facts = 0;
  await Promise.all(ranges.map(async ({ partition, low, next }) => {
    const state = emptyPartition(partition);
    const filter = new EpochFilter(noEpoch);
    for await (const records of log.read({ topic: topics.verified, partition, from: low, until: next })) {
      for (const record of records) {
        const peeked = codec.peek(record.value);
        if (peeked !== null && filter.counts(record.offset, peeked.type, peeked.epoch)) evolve(state, codec.decodeFact(record.value) as Fact, record.offset);
        facts += 1;
      }
    }
  }));
  const foldedPerS = facts / ((performance.now() - sinceMs) / 1000);
  return { facts, foldedPerS, rawPerS, rawDecodedPerS, ofRaw: foldedPerS / rawPerS };
}

const samples = 20_000;

async function decodeAndEncode({ log, codec, topics }: Cluster): Promise<Figures> {
  const values: Buffer[] = [];
  const [range] = await log.ranges(topics.verified);
  if (range === undefined) return {};
  for await (const records of log.read({ topic: topics.verified, partition: range.partition, from: range.low, until: Math.min(range.next, range.low + samples) })) for (const { value } of records) values.push(value);
  const facts = values.map((value) => codec.decodeFact(value) as Fact);
  const nsPer = (work: () => void): number => {
    work();
    const sinceMs = performance.now();
    for (let round = 0; round < 5; round += 1) work();
    return ((performance.now() - sinceMs) * 1e6) / (5 * values.length);
  };
  return {
    records: values.length, bytesEach: values.reduce((sum, { length }) => sum + length, 0) / values.length,
    peekNs: nsPer(() => { for (const value of values) codec.peek(value); }),
    decodeNs: nsPer(() => { for (const value of values) codec.decodeFact(value); }),
    encodeNs: nsPer(() => { for (const fact of facts) codec.encode(fact); }),
    digestNs: nsPer(() => { for (const value of values) codec.digest(value); }),
  };
}

/** Every recorded decision taken again and compared, signatures included, both topics read from the broker. */
async function replay(cluster: Cluster): Promise<Figures> {
  const { log, codec, topics } = cluster;
  const report = await replayLog({ log, codec, topics, contracts });
  const seconds = report.elapsedMs / 1000;
  return { decisions: report.decisions, divergences: report.divergences.length, decisionsPerS: report.decisions / seconds, eventsPerS: (report.facts + report.claims) / seconds };
}

/** The projector on an empty database until it has caught up, and COPY of the very same rows. */
async function drain(cluster: Cluster): Promise<Figures> {
  const { log, codec, topics, env } = cluster;
  const name = `drain_${Date.now()}`;
  const db = openPgDatabase({ connectionString: await makeDatabase(env['DATABASE_URL'] ?? '', name) });
  await migrate(db);
  const rows = (await log.ranges(topics.verified)).reduce((sum, { next, low }) => sum + next - low, 0);
  const sinceMs = performance.now();
  let done = 0;
  await new Promise<void>((resolve, reject) => {
    const behind = new Map<number, number>();
    void runProjector({ log, codec, db, topic: topics.verified, group: `${topics.verified}-${name}`, onHalt: reject }).then((projector) => {
      projector.onCommitted(({ partition, lastOffset }) => {
        behind.set(partition, lastOffset + 1);
        done = [...behind.values()].reduce((sum, next) => sum + next, 0);
        if (done >= rows) void projector.stop().then(resolve, reject);
      });
    }, reject);
  });
  const drainedRowsPerS = rows / ((performance.now() - sinceMs) / 1000);
  const copied = await rawCopy(db, join('/tmp', `${name}.copy`));
  await db.close();
  return { rows, drainedRowsPerS, copyRowsPerS: copied['copyRowsPerS'] ?? Number.NaN, ofCopy: drainedRowsPerS / (copied['copyRowsPerS'] ?? Number.NaN) };
}
