// Golden logs are real runs of earlier days. Where one of them diverges, this version decides otherwise than the one
// that recorded it: open jobs would end differently after an upgrade, and old decisions could not be explained. If that
// is not meant, mend the verbs. If it is, say so in CHANGELOG.md and record again, with the reason:
//   npm run build && node dist/replay/record-golden.js NAME --reason "why decisions differ from now on"

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { topicNames, type TopicName } from '../topics/topics.js';
import { contracts } from '../workflows/contracts.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import type { LogRecord } from '../services/runtime/log/port.js';
import { projectRoot } from '../services/runtime/project-root.js';
import type { Divergence } from './compare.js';
import { readGolden, type HeldLog } from './golden-file.js';
import { goldenRuns } from './golden-runs.js';
import { divergenceLines } from './render.js';
import { replayLog } from './replay.js';

const topics = topicNames();
const codec = embeddedCodec(join(projectRoot, 'schemas'));
const folder = join(projectRoot, 'replay/golden');
const names = readdirSync(folder).filter((name) => name.endsWith('.golden')).map((name) => name.replace('.golden', ''));

describe('golden logs', () => {
  it('has one of each run', () => {
    for (const name of Object.keys(goldenRuns)) assert.ok(names.includes(name), `replay/golden/${name}.golden is missing`);
  });

  for (const name of names) {
    it(`replays ${name} byte for byte`, async (t) => {
      const { header, log } = golden(name);
      const report = await replayLog({ log, topics, codec, contracts });
      assert.equal(report.firstDivergence, null, report.firstDivergence === null ? '' : `recorded for "${header.reason}"\n${divergenceLines(report.firstDivergence, 200).join('\n')}`);
      assert.equal(report.undecided, 0);
      assert.equal(report.jobs, header.jobs);
      t.diagnostic(`${report.jobs} jobs, ${report.decisions} decisions, ${report.facts} facts, ${report.inert} inert`);
    });
  }
});

describe('an altered record', () => {
  const parts: readonly (readonly [string, (record: LogRecord, random: () => number) => LogRecord | null])[] = [
    ['a bit of the body', (record, random) => withValue(record, 5 + Math.floor(random() * (record.value.length - 5)), 1 << Math.floor(random() * 8))],
    ['a bit of the frame', (record, random) => withValue(record, Math.floor(random() * 5), 1 << Math.floor(random() * 8))],
    ['a byte left out', (record, random) => cutOut(record, Math.floor(random() * record.value.length))],
  ];
  for (const name of ['noop', 'brief']) {
    for (const [what, alter] of parts) {
      it(`is reported with its offset: ${what} of any record of ${name}`, async (t) => {
        const random = seeded(name.length * 7 + what.length);
        const missed: string[] = [];
        let total = 0;
        for (const { log, topic, partition, offset } of eachRecord(name)) {
          const records = log.records(topic, partition);
          const record = records[offset] as LogRecord;
          const altered = alter(record, random);
          if (altered === null) continue;
          total += 1;
          records[offset] = altered;
          const { firstDivergence } = await replayLog({ log, topics, codec, contracts, only: [partition], divergencesMax: 1 });
          if (!isNamedBy(firstDivergence, topic, offset)) missed.push(`${topic}/${partition}/${offset}: ${JSON.stringify(firstDivergence)}`);
          records[offset] = record;
        }
        t.diagnostic(`${total - missed.length} of ${total} reported`);
        assert.ok(total > 50);
        assert.deepEqual(missed, []);
      });
    }
  }
});

function golden(name: string): ReturnType<typeof readGolden> {
  return readGolden(readFileSync(join(folder, `${name}.golden`)), topics);
}

function* eachRecord(name: string): Generator<{ readonly log: HeldLog; readonly topic: TopicName; readonly partition: number; readonly offset: number }> {
  const { header, log } = golden(name);
  for (const topic of [topics.quarantine, topics.verified]) {
    for (let partition = 0; partition < header.partitions; partition += 1) {
      for (let offset = 0; offset < log.records(topic, partition).length; offset += 1) yield { log, topic, partition, offset };
    }
  }
}

function isNamedBy(divergence: Divergence | null, topic: TopicName, offset: number): boolean {
  if (divergence === null) return false;
  return topic === topics.quarantine ? divergence.quarantineOffset === offset : divergence.verifiedOffset === offset || divergence.againstOffset === offset;
}

function withValue(record: LogRecord, at: number, bit: number): LogRecord | null {
  if (at >= record.value.length) return null;
  const value = Buffer.from(record.value);
  value[at] = (value[at] as number) ^ bit;
  return { ...record, value };
}

function cutOut(record: LogRecord, at: number): LogRecord | null {
  return record.value.length === 0 ? null : { ...record, value: Buffer.concat([record.value.subarray(0, at), record.value.subarray(at + 1)]) };
}

/** Numbers in [0, 1) that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Golden logs may be older than the schemas: their versions are kept as fixtures. */
