// What a member delivers next, per topic and partition: the one place that knows where each of them stands.

import type { TopicName } from '../../../../topics/topics.js';

export interface MemberPosition {
  readonly topic: TopicName;
  readonly partition: number;
  /** Offset of the next record to deliver; null: gained, not started. */
  wanted: number | null;
  paused: boolean;
  /** Rises with each `start`, so that what was fetched for an older one is not delivered. */
  starts: number;
}

/** A position that may be fetched. */
export type RunningPosition = MemberPosition & { readonly wanted: number };

export class MemberPositions {
  readonly #byTopic = new Map<string, Map<number, MemberPosition>>();

  constructor(private readonly topics: readonly TopicName[]) {
    for (const topic of topics) this.#byTopic.set(topic, new Map());
  }

  get(topic: string, partition: number): MemberPosition | undefined {
    return this.#byTopic.get(topic)?.get(partition);
  }

  /** Partition numbers held, in order. */
  held(): number[] {
    return [...(this.#byTopic.get(this.topics[0]!)?.keys() ?? [])].sort((left, right) => left - right);
  }

  /** Those that are started and not paused. */
  running(): RunningPosition[] {
    const running: RunningPosition[] = [];
    for (const positions of this.#byTopic.values()) {
      for (const position of positions.values()) if (position.wanted !== null && !position.paused) running.push(position as RunningPosition);
    }
    return running;
  }

  gain(partition: number): void {
    for (const topic of this.topics) this.#byTopic.get(topic)!.set(partition, { topic, partition, wanted: null, paused: false, starts: 0 });
  }

  lose(partition: number): void {
    for (const positions of this.#byTopic.values()) positions.delete(partition);
  }

  clear(): void {
    for (const positions of this.#byTopic.values()) positions.clear();
  }

  /** Whether `position`, asked for at `offset` in its `starts`-th start, is still what is wanted. */
  isWanted(position: MemberPosition, offset: number, starts: number): boolean {
    return this.get(position.topic, position.partition) === position && position.wanted === offset && position.starts === starts;
  }
}
