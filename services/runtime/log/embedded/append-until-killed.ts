// The child of the kill test: appends numbered batches to a log as fast as it can, and prints each answer as
// `partition baseOffset count` after it came. Arguments: directory, bytes of a value.

import { topicNames } from '../../../../topics/topics.js';
import { openEmbeddedLog } from './embedded-log.js';

const [directory = '', valueBytes = '384'] = process.argv.slice(2);
const { verified } = topicNames();
const partitions = 4;
const log = await openEmbeddedLog({ directory, topics: [{ name: verified, partitions }] });

async function write(lane: number): Promise<void> {
  const partition = lane % partitions;
  const count = 1 + (lane % 5);
  for (let turn = 0; ; turn += 1) {
    // The key says which batch of how many records it is, so that a torn batch shows.
    const records = Array.from({ length: count }, (_, index) => ({
      key: Buffer.from(`${String(process.pid)}/${String(lane)}/${String(turn)} ${String(index)}/${String(count)}`), value: Buffer.alloc(Number(valueBytes), turn & 255),
    }));
    const { baseOffset } = await log.append({ topic: verified, partition, records });
    process.stdout.write(`${String(partition)} ${String(baseOffset)} ${String(records[0]?.key)}\n`);
  }
}

try {
  await Promise.all(Array.from({ length: 24 }, (_, lane) => write(lane)));
} catch (error) {
  process.stdout.write(`failed ${(error as { code?: string }).code ?? ''} ${(error as Error).message}\n`);
}
await log.close();
