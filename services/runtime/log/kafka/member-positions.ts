// What a member delivers next, per topic and partition: the one place that decides whether a fetched batch is the
// wanted one. kafkajs goes back to committed offsets at each rebalance, and to the earliest or latest one when an
// offset is out of range, both silently; a batch that does not begin at the wanted offset is therefore never
// delivered, but asked for again once, and a second one halts.

import type { TopicName } from '../../../../topics/topics.js';

/** `idle`: gained, not started. `checking`: started, its range is being looked up. `running`: delivered. */
export type PositionState = 'idle' | 'checking' | 'running';

export interface MemberPosition {
  readonly topic: TopicName;
  readonly partition: number;
  state: PositionState;
  /** Offset of the next record to deliver. */
  wanted: number;
  paused: boolean;
  /** Batches in a row that did not begin where they should. */
  strays: number;
  /** Rises with each `start`, so that an older one's look-up has no effect. */
  starts: number;
}

export type BatchVerdict = 'deliver' | 'ignore' | 'seekAgain' | 'halt';

export class MemberPositions {
  readonly #byTopic = new Map<string, Map<number, MemberPosition>>();

  constructor(private readonly topics: readonly TopicName[]) {
    for (const topic of topics) this.#byTopic.set(topic, new Map());
  }

  get(topic: string, partition: number): MemberPosition | undefined {
    return this.#byTopic.get(topic)?.get(partition);
  }

  all(): MemberPosition[] {
    return [...this.#byTopic.values()].flatMap((positions) => [...positions.values()]);
  }

  /** Partition numbers held, in order. */
  held(): number[] {
    return [...(this.#byTopic.get(this.topics[0]!)?.keys() ?? [])].sort((left, right) => left - right);
  }

  gain(partition: number): void {
    for (const topic of this.topics) {
      this.#byTopic.get(topic)!.set(partition, { topic, partition, state: 'idle', wanted: 0, paused: false, strays: 0, starts: 0 });
    }
  }

  lose(partition: number): void {
    for (const positions of this.#byTopic.values()) positions.delete(partition);
  }

  clear(): void {
    for (const positions of this.#byTopic.values()) positions.clear();
  }

  /** What to do with a batch whose first record has this offset; counts it when it is to be delivered. */
  judge(position: MemberPosition | undefined, firstOffset: number, records: number): BatchVerdict {
    if (position === undefined || position.state !== 'running') return 'ignore';
    if (firstOffset === position.wanted) {
      position.wanted += records;
      position.strays = 0;
      return 'deliver';
    }
    position.strays += 1;
    return position.strays > 1 ? 'halt' : 'seekAgain';
  }
}
