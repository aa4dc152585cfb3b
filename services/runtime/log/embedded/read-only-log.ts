// An embedded log opened to be read, beside the process that has it open for writing: LMDB readers take no part in
// the directory's lock, see only whole commits, and hold nobody up. There is nothing here that could write.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TopicName } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import { readRecords } from '../in-process/read-records.js';
import type { RecordStore, SliceOptions } from '../in-process/record-store.js';
import type { LogPort, LogRecord, PartitionRange, ReadOptions } from '../port.js';
import { RecordFile } from './record-file.js';

export type ReadOnlyLog = Pick<LogPort, 'read' | 'ranges' | 'close'>;

/** @throws BlackboardError NOT_FOUND: there is no embedded log in that directory. */
export function openEmbeddedLogReadOnly(directory: string): ReadOnlyLog {
  if (!existsSync(join(directory, 'log.mdb'))) throw new BlackboardError('NOT_FOUND', `there is no embedded log in ${directory}; name the folder that was given to "up --data"`, { directory });
  return new EmbeddedReader(new RecordFile(directory, 'read-only'));
}

class EmbeddedReader implements ReadOnlyLog, RecordStore {
  constructor(private readonly file: RecordFile) {}

  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    return readRecords(this, options);
  }

  async ranges(topic: TopicName): Promise<readonly PartitionRange[]> {
    return Array.from({ length: this.partitionCount(topic) }, (_, partition) => this.range(topic, partition));
  }

  close(): Promise<void> {
    return this.file.close();
  }

  partitionCount(topic: TopicName): number {
    const stored = this.file.topic(topic);
    if (stored === undefined) throw new BlackboardError('NOT_FOUND', `this log has no topic ${topic}; check the topic prefix`, { topic });
    return stored.partitions;
  }

  range(topic: TopicName, partition: number): PartitionRange {
    if (partition >= this.partitionCount(topic)) throw new BlackboardError('NOT_FOUND', `the topic ${topic} has no partition ${String(partition)}`, { topic, partition });
    this.file.refresh();
    return { partition, low: 0, next: this.file.next(topic, partition) };
  }

  slice(options: SliceOptions): readonly LogRecord[] {
    return this.file.slice(options);
  }
}
