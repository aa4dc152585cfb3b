// The child of a kill test: posts to quarantine as fast as it can and decides what it is given before it is durable,
// by appending the offset to verified. Argument: directory.

import { topicNames } from '../../../../topics/topics.js';
import { openEmbeddedLog } from './embedded-log.js';

const { quarantine, verified } = topicNames();
const log = await openEmbeddedLog({ directory: process.argv[2] ?? '', topics: [{ name: quarantine, partitions: 1 }, { name: verified, partitions: 1 }] });
const [{ next: decided } = { next: 0 }] = await log.ranges(verified);

await log.join({
  group: 'decides', topics: [quarantine], beforeDurable: [quarantine],
  onAssigned: (_, member) => { member.start(quarantine, 0, decided); },
  onBatch: (records) => {
    void log.append({ topic: verified, partition: 0, records: records.map(({ key, offset }) => ({ key, value: Buffer.from(String(offset)) })) }).then(() => process.stdout.write('.'));
  },
  onHalt: (error) => { throw error; },
});

async function post(lane: number): Promise<never> {
  for (;;) await log.append({ topic: quarantine, partition: 0, records: Array.from({ length: 1 + (lane % 3) }, () => ({ key: Buffer.from('job'), value: Buffer.alloc(300) })) });
}

await Promise.all([0, 1, 2, 3, 4, 5].map(post));
