// One member of a consumer group of a log in this process: delivers what is started, in order, without a gap, and
// nothing of a partition that is not its own. The group decides what it owns.

import { BlackboardError } from '../../errors.js';
import type { TopicName } from '../../../../topics/topics.js';
import type { Assignment, CommittedPosition, Member, Membership } from '../port.js';
import { outOfRange } from './read-records.js';
import type { PositionStore, RecordStore, Schedule } from './record-store.js';

const bytesPerPartitionDefault = 1024 * 1024;
const metadataCharactersMax = 2000;

interface Cursor {
  readonly topic: TopicName;
  readonly partition: number;
  /** Next offset to deliver; undefined before `start`. */
  next: number | undefined;
  paused: boolean;
  scheduled: boolean;
  /** Offset behind what may be delivered. */
  readonly end: () => number;
}

export interface MemberSeams {
  readonly store: RecordStore;
  readonly positions: PositionStore;
  readonly schedule: Schedule;
  readonly fetch?: Schedule;
  /** Takes the member out of its group. */
  readonly remove: (member: GroupMember) => void;
}

export class GroupMember implements Member {
  /** By partition. A look-up for each record and member: no text is made for it. */
  private readonly cursors = new Map<TopicName, (Cursor | undefined)[]>();
  private owned: readonly number[] = [];
  private generation = 0;
  private state: 'running' | 'halted' | 'evicted' | 'left' = 'running';

  constructor(readonly membership: Membership, private readonly seams: MemberSeams) {}

  get partitions(): readonly number[] {
    return this.owned;
  }

  start(topic: TopicName, partition: number, offset: number): void {
    const cursor = this.cursorOf(topic, partition);
    if (cursor === undefined) return;
    const outside = outOfRange(this.seams.store, { topic, partition, offset }, cursor.end());
    if (outside !== undefined) { this.halt(outside); return; }
    cursor.next = offset;
    cursor.paused = false;
    this.wake(cursor);
  }

  pause(topic: TopicName, partition: number): void {
    const cursor = this.cursorOf(topic, partition);
    if (cursor !== undefined) cursor.paused = true;
  }

  resume(topic: TopicName, partition: number): void {
    const cursor = this.cursorOf(topic, partition);
    if (cursor === undefined) return;
    cursor.paused = false;
    this.wake(cursor);
  }

  committed(topic: TopicName, partitions: readonly number[]): Promise<ReadonlyMap<number, CommittedPosition>> {
    const found = new Map<number, CommittedPosition>();
    for (const partition of partitions) {
      const position = this.seams.positions.load(this.membership.group, topic, partition);
      if (position !== undefined) found.set(partition, position);
    }
    return Promise.resolve(found);
  }

  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    const long = positions.find(({ metadata }) => metadata.length > metadataCharactersMax);
    if (long !== undefined) {
      throw new BlackboardError('INPUT_INVALID', `the metadata of a position of ${long.topic}/${String(long.partition)} has ${String(long.metadata.length)} characters, more than ${String(metadataCharactersMax)}`);
    }
    const own = this.state === 'evicted' ? [] : positions.filter(({ topic, partition }) => this.cursorOf(topic, partition) !== undefined);
    if (own.length > 0) await this.seams.positions.save(this.membership.group, own);
  }

  /** @throws BlackboardError WRITER_FENCED: the group goes on without this member. */
  heartbeat(): Promise<void> {
    if (this.state === 'evicted' || this.state === 'left') {
      return Promise.reject(new BlackboardError('WRITER_FENCED', `the group ${this.membership.group} goes on without this member; join again`));
    }
    return new Promise((resolve) => { this.seams.schedule(resolve); });
  }

  leave(): Promise<void> {
    if (this.state !== 'left') {
      this.state = 'left';
      this.cursors.clear();
      this.owned = [];
      this.seams.remove(this);
    }
    return Promise.resolve();
  }

  /** Out of the group without being told, as after a missed session: still thinks that it owns what it owned. */
  evict(): void {
    if (this.state === 'left') return;
    this.state = 'evicted';
    this.seams.remove(this);
  }

  /** Back after `evict`: it has lost everything, and the group's next rebalance says what it gains. */
  rejoin(): boolean {
    if (this.state !== 'evicted') return false;
    this.state = 'running';
    this.assign([]);
    return true;
  }

  /** Takes over an assignment: lost partitions go silent before anyone is told. */
  assign(partitions: readonly number[]): void {
    const before = new Set(this.owned);
    const after = new Set(partitions);
    const assignment: Assignment = {
      generation: this.generation += 1,
      gained: partitions.filter((partition) => !before.has(partition)),
      kept: partitions.filter((partition) => before.has(partition)),
      lost: this.owned.filter((partition) => !after.has(partition)),
    };
    this.owned = partitions;
    for (const topic of this.membership.topics) {
      const cursors = this.cursors.get(topic) ?? [];
      this.cursors.set(topic, cursors);
      for (const partition of assignment.lost) cursors[partition] = undefined;
      for (const partition of assignment.gained) cursors[partition] = { topic, partition, next: undefined, paused: false, scheduled: false, end: this.endOf(topic, partition) };
    }
    this.membership.onAssigned(assignment, this);
  }

  /** Records of a partition have become visible. */
  appended(topic: TopicName, partition: number): void {
    const cursor = this.cursorOf(topic, partition);
    if (cursor !== undefined) this.wake(cursor);
  }

  /** Records of a partition were taken, and are not durable yet. */
  taken(topic: TopicName, partition: number): void {
    if (this.isAheadIn(topic)) this.appended(topic, partition);
  }

  private endOf(topic: TopicName, partition: number): () => number {
    const { store } = this.seams;
    const isAhead = this.isAheadIn(topic);
    return () => (isAhead ? store.takenEnd?.(topic, partition) : undefined) ?? store.range(topic, partition).next;
  }

  /** Whether it is given records of a topic before they are durable. */
  private isAheadIn(topic: TopicName): boolean {
    return this.membership.beforeDurable?.includes(topic) === true;
  }

  private wake(cursor: Cursor): void {
    if (cursor.scheduled || cursor.paused || cursor.next === undefined) return;
    cursor.scheduled = true;
    (this.seams.fetch ?? this.seams.schedule)(() => {
      cursor.scheduled = false;
      this.deliver(cursor);
    });
  }

  private deliver(cursor: Cursor): void {
    const { topic, partition, next: from, paused } = cursor;
    const current = this.cursorOf(topic, partition) === cursor;
    if (this.state !== 'running' || !current || paused || from === undefined) return;
    const until = cursor.end();
    if (from >= until) return;
    const bytesMax = this.membership.bytesPerPartitionMax ?? bytesPerPartitionDefault;
    try {
      const records = this.seams.store.slice({ topic, partition, from, until, bytesMax });
      cursor.next = from + records.length;
      this.membership.onBatch(records);
    } catch (error) {
      this.halt(error as Error);
      return;
    }
    // What is appended from here on wakes it by itself.
    if (cursor.next !== undefined && cursor.next < cursor.end()) this.wake(cursor);
  }

  private cursorOf(topic: TopicName, partition: number): Cursor | undefined {
    return this.cursors.get(topic)?.[partition];
  }

  private halt(error: Error): void {
    if (this.state !== 'running') return;
    this.state = 'halted';
    this.seams.schedule(() => { this.membership.onHalt(error); });
  }
}
