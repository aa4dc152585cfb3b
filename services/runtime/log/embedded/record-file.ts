// The records, positions and topics of an embedded log in one LMDB environment. A write resolves when it is on disk:
// the environment flushes within the commit, and a group of batches is one commit, so a batch is there whole or not.
// Key of a record: topic number (4 bytes), partition (4), offset (8), big-endian. Value: append time (8), length of
// the key (4), key, value.

import { join } from 'node:path';
import { open } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import type { TopicName } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { CommittedPosition, LogRecord, RecordToAppend } from '../port.js';
import type { SliceOptions } from '../in-process/record-store.js';
import { RoomAhead } from './room-ahead.js';

const keyBytes = 16;
const headBytes = 12;
const offsetMax = Number.MAX_SAFE_INTEGER;

export interface TopicToOpen {
  readonly name: TopicName;
  readonly partitions: number;
}

interface StoredTopic {
  readonly id: number;
  readonly partitions: number;
}

/** A record as it will be on disk, and as it will be read: both are the same memory, a copy of what was given. */
export interface StoredRecord {
  readonly key: Buffer;
  readonly bytes: Buffer;
  readonly record: LogRecord;
}

export interface StoredPosition {
  readonly key: string;
  readonly position: CommittedPosition;
}

/** What one commit brings to disk, whole or not at all. */
export interface Commit {
  readonly records: readonly StoredRecord[];
  readonly positions: readonly StoredPosition[];
}

export class RecordFile {
  private readonly environment: RootDatabase;
  private readonly records: Database<Buffer, Buffer>;
  private readonly positions: Database<CommittedPosition, string>;
  private readonly topics = new Map<TopicName, StoredTopic>();
  private readonly room: RoomAhead;

  /**
   * `read-only`: all topics that are stored, beside the process that writes; nothing on disk changes.
   * @throws BlackboardError TOPOLOGY_DRIFT: a topic has another partition count on disk.
   */
  constructor(private readonly directory: string, topics: readonly TopicToOpen[] | 'read-only') {
    // What belongs into one commit is batched here: without batches of lmdb's own around it, a commit begins a turn earlier.
    const path = join(directory, 'log.mdb');
    this.environment = open({ path, noSubdir: true, overlappingSync: false, eventTurnBatching: false, maxDbs: 4, readOnly: topics === 'read-only' });
    this.room = new RoomAhead(path, () => this.usedBytes());
    this.records = this.environment.openDB('records', { encoding: 'binary', keyEncoding: 'binary' });
    this.positions = this.environment.openDB('positions', { encoding: 'json' });
    const stored = this.environment.openDB<StoredTopic, string>('topics', { encoding: 'json' });
    if (topics === 'read-only') {
      for (const { key, value } of stored.getRange()) this.topics.set(key as TopicName, value);
      return;
    }
    const drifted = this.environment.transactionSync(() => this.declare(stored, topics));
    if (drifted !== undefined) {
      void this.environment.close();
      throw drifted;
    }
  }

  topic(name: TopicName): StoredTopic | undefined {
    return this.topics.get(name);
  }

  /** Lets reads see what another process has committed since. */
  refresh(): void {
    this.environment.resetReadTxn();
  }

  /** The offset behind the last stored record. */
  next(topic: TopicName, partition: number): number {
    const start = this.key(topic, partition, offsetMax);
    const end = this.key(topic, partition, 0);
    for (const key of this.records.getKeys({ start, end, reverse: true, limit: 1 })) return offsetOf(key) + 1;
    return this.records.doesExist(end) ? 1 : 0;
  }

  /** The record as it is stored at that place; nothing is stored yet. */
  storedRecord(place: Pick<LogRecord, 'topic' | 'partition' | 'offset' | 'appendTimeMs'>, { key, value }: RecordToAppend): StoredRecord {
    const bytes = Buffer.allocUnsafe(headBytes + key.length + value.length);
    bytes.writeDoubleBE(place.appendTimeMs, 0);
    bytes.writeUInt32BE(key.length, 8);
    bytes.set(key, headBytes);
    bytes.set(value, headBytes + key.length);
    return { key: this.key(place.topic, place.partition, place.offset), bytes, record: recordOf(place, bytes) };
  }

  storedPosition(group: string, position: CommittedPosition): StoredPosition {
    return { key: positionKey(group, position.topic, position.partition), position };
  }

  /** Resolves when the commit is on disk; another thread waits for it. */
  async store({ records, positions }: Commit): Promise<void> {
    const written = this.environment.batch(() => {
      for (const { key, bytes } of records) this.records.put(key, bytes).catch(noteFailure);
      for (const { key, position } of positions) this.positions.put(key, position).catch(noteFailure);
    });
    written.catch(noteFailure);
    await written;
    await this.environment.flushed;
  }

  /** The same by the calling thread, which waits: the commit is on disk when it returns. */
  storeNow({ records, positions }: Commit): void {
    this.environment.transactionSync(() => {
      for (const { key, bytes } of records) this.records.putSync(key, bytes);
      for (const { key, position } of positions) this.positions.putSync(key, position);
    });
  }

  /** Makes the next commits quick, now and then; nothing is to be committed until it resolves. Undefined: nothing to do. */
  makeRoom(): Promise<void> | undefined {
    return this.room.isDue() ? this.room.make() : undefined;
  }

  slice(options: SliceOptions): readonly LogRecord[] {
    const records = this.sliceOnce(options);
    if (records.length > 0) return records;
    // The read transaction may be older than the commit that was just acknowledged.
    this.environment.resetReadTxn();
    const again = this.sliceOnce(options);
    if (again.length > 0 || options.from >= options.until) return again;
    throw this.gap(options, options.from);
  }

  loadPosition(group: string, topic: TopicName, partition: number): CommittedPosition | undefined {
    return this.positions.get(positionKey(group, topic, partition));
  }

  close(): Promise<void> {
    return this.environment.close();
  }

  private usedBytes(): number {
    const { lastPageNumber, pageSize } = this.environment.getStats() as { readonly lastPageNumber: number; readonly pageSize: number };
    return (lastPageNumber + 1) * pageSize;
  }

  private declare(stored: Database<StoredTopic, string>, topics: readonly TopicToOpen[]): BlackboardError | undefined {
    let id = 0;
    for (const { value } of stored.getRange()) id = Math.max(id, value.id + 1);
    for (const { name, partitions } of topics) {
      const known = stored.get(name);
      if (known !== undefined && known.partitions !== partitions) {
        return new BlackboardError(
          'TOPOLOGY_DRIFT',
          `the topic ${name} in ${this.directory} has ${String(known.partitions)} partitions, not ${String(partitions)}; a partition count never changes: open it with ${String(known.partitions)}, or use another directory`,
          { topic: name, stored: known.partitions, wanted: partitions },
        );
      }
      const topic = known ?? { id, partitions };
      if (known === undefined) { stored.putSync(name, topic); id += 1; }
      this.topics.set(name, topic);
    }
    return undefined;
  }

  private sliceOnce({ topic, partition, from, until, bytesMax }: SliceOptions): readonly LogRecord[] {
    const found: LogRecord[] = [];
    let bytes = 0;
    const range = { start: this.key(topic, partition, from), end: this.key(topic, partition, until) };
    // Range values of a binary database are copies: they outlive the transaction.
    for (const { key: storedKey, value: stored } of this.records.getRange(range)) {
      const offset = offsetOf(storedKey);
      if (offset !== from + found.length) throw this.gap({ topic, partition }, from + found.length);
      bytes += stored.length - headBytes;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(recordOf({ topic, partition, offset }, stored));
    }
    return found;
  }

  private gap({ topic, partition }: Pick<SliceOptions, 'topic' | 'partition'>, offset: number): BlackboardError {
    return new BlackboardError(
      'LOG_GAP', `offset ${String(offset)} of ${topic}/${String(partition)} is missing in ${this.directory}; nothing was skipped: restore the directory from a copy`,
      { topic, partition, offset },
    );
  }

  private key(topic: TopicName, partition: number, offset: number): Buffer {
    const key = Buffer.allocUnsafe(keyBytes);
    key.writeUInt32BE((this.topics.get(topic) as StoredTopic).id, 0);
    key.writeUInt32BE(partition, 4);
    key.writeUInt32BE(Math.floor(offset / 2 ** 32), 8);
    key.writeUInt32BE(offset % 2 ** 32, 12);
    return key;
  }
}

function positionKey(group: string, topic: TopicName, partition: number): string {
  return JSON.stringify([group, topic, partition]);
}

/** A put that fails fails its batch, which is answered; LMDB's second promise with the reason must not end the process. */
function noteFailure(error: { readonly commitError?: Promise<unknown> }): void {
  error.commitError?.catch(() => {});
}

/** Key and value share the memory of what is stored. */
function recordOf({ topic, partition, offset }: Pick<LogRecord, 'topic' | 'partition' | 'offset'>, stored: Buffer): LogRecord {
  const valueAt = headBytes + stored.readUInt32BE(8);
  return { topic, partition, offset, appendTimeMs: stored.readDoubleBE(0), key: stored.subarray(headBytes, valueAt), value: stored.subarray(valueAt) };
}

function offsetOf(key: Buffer): number {
  return key.readUInt32BE(8) * 2 ** 32 + key.readUInt32BE(12);
}
