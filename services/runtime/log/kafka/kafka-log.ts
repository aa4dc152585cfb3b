// The log port on Apache Kafka. The parts: kafka-writer and leader-sender (appends), group-member (groups), reader
// (reading without a group, ranges). They share one link for metadata, offsets and fetches.

import type { AppendBatch, Appended, LogPort, LogRecord, Member, Membership, PartitionRange, ReadOptions } from '../port.js';
import type { TopicName } from '../../../../topics/topics.js';
import { ClusterLink } from './cluster-link.js';
import { GroupMember } from './group-member.js';
import type { KafkaConnection } from './kafka-client.js';
import { KafkaWriter } from './kafka-writer.js';
import { KafkaReader } from './reader.js';

export interface KafkaLogOptions extends KafkaConnection {
  /** How long an append may be tried before its outcome is called unknown. Default 15,000. */
  readonly sendTimeoutMs?: number;
}

class KafkaLog implements LogPort {
  readonly #link: ClusterLink;
  readonly #reader: KafkaReader;
  readonly #writer: KafkaWriter;
  readonly #members = new Set<GroupMember>();

  constructor(private readonly options: KafkaLogOptions) {
    this.#link = new ClusterLink(options);
    this.#reader = new KafkaReader(this.#link);
    this.#writer = new KafkaWriter({ connection: options, link: this.#link, sendTimeoutMs: options.sendTimeoutMs ?? 15_000 });
  }

  append(batch: AppendBatch): Promise<Appended> {
    return this.#writer.append(batch);
  }

  async join(membership: Membership): Promise<Member> {
    const member: GroupMember = new GroupMember(membership, {
      connection: this.options, link: this.#link, reader: this.#reader, onLeft: () => this.#members.delete(member),
    });
    this.#members.add(member);
    await member.run();
    return member;
  }

  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    return this.#reader.read(options);
  }

  ranges(topic: TopicName): Promise<readonly PartitionRange[]> {
    return this.#reader.ranges(topic);
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), ...[...this.#members].map((member) => member.leave())]);
    this.#link.close();
  }
}

/** Opens a Kafka log; nothing is connected before it is used. */
export function kafkaLog(options: KafkaLogOptions): LogPort {
  return new KafkaLog(options);
}
