// How a consumer gets into its group and back into it. kafkajs tries again where nothing answers and restarts after most
// errors, but not where a connection is reset at the start, nor after the one error that hides every trouble with the
// coordinator: a refusal as well as a broker that has only just started. Only what may heal is tried again.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, ConsumerCrashEvent } from 'kafkajs';
import type { ClusterLink } from './cluster-link.js';
import { findCoordinator, groupRefused } from './group-offsets.js';
import { isRetriable } from './kafka-error.js';

const connectPatienceMs = 10_000;
const connectPauseMs = 200;
const rejoinPauseMsMax = 5_000;

export interface GroupJoinOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly consumer: Consumer;
  readonly link: ClusterLink;
  /** Lets kafkajs join and consume. */
  run(): Promise<void>;
  isStopped(): boolean;
  /** Not to be tried again. */
  onRefused(error: Error): void;
}

export class GroupJoin {
  #crashes = 0;
  #hasJoined = false;

  constructor(private readonly options: GroupJoinOptions) {}

  /** @throws what kafkajs said last: when it is final, when the patience is over, or when the member has stopped. */
  async begin(): Promise<void> {
    const { consumer, topics, isStopped } = this.options;
    for (const deadlineMs = performance.now() + connectPatienceMs; ; await sleep(connectPauseMs * (0.5 + Math.random()))) {
      try {
        await consumer.connect();
        await consumer.subscribe({ topics: [...topics], fromBeginning: true });
        break;
      } catch (error) {
        if (!isRetriable(error) || performance.now() > deadlineMs || isStopped()) throw error;
      }
    }
    await this.options.run();
  }

  onJoined(): void {
    this.#hasJoined = true;
    this.#crashes = 0;
  }

  onCrash({ restart, error }: ConsumerCrashEvent['payload']): void {
    if (restart || this.options.isStopped()) return;
    if (isRetriable(error)) void this.#again(error);
    else this.options.onRefused(groupRefused(this.options.group, error));
  }

  async #again(error: Error): Promise<void> {
    const { group, consumer, link, isStopped, onRefused } = this.options;
    this.#crashes += 1;
    await sleep(Math.min(100 * 2 ** this.#crashes, rejoinPauseMsMax) * (0.5 + Math.random()));
    if (isStopped()) return;
    try {
      // To learn the reason.
      await link.run((cluster) => findCoordinator(cluster, group), rejoinPauseMsMax);
    } catch (reason) {
      if (!this.#hasJoined || !isRetriable(reason)) { onRefused(groupRefused(group, reason)); return; }
    }
    if (isStopped()) return;
    try {
      await consumer.connect();
      await this.options.run();
    } catch (again) {
      if (isRetriable(again)) void this.#again(error);
      else onRefused(groupRefused(group, again));
    }
  }
}
