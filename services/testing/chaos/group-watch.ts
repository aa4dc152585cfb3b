// Asks the broker every second who is in the agents' groups: a member that came, went or was dropped (a starved machine
// drops some without any fault of ours) moves partitions, and what was under way in them runs again.

import { setTimeout as sleep } from 'node:timers/promises';
import { withAdmin } from '../../../infra/topics/admin.js';
import { groupName } from '../../../topics/groups.js';
import type { Cluster } from '../cluster.js';
import type { Journal } from './journal.js';

const kinds = ['worker', 'checker'] as const;
const everyMs = 1_000;

export class GroupWatch {
  /** Changes of membership that were seen. */
  changes = 0;
  readonly #seen = new Map<string, string>();
  #lookedAtMs = Date.now();
  #isOver = false;
  #working: Promise<void> = Promise.resolve();

  constructor(private readonly cluster: Pick<Cluster, 'env' | 'prefix'>, private readonly journal: Journal) {}

  start(): void {
    this.#working = this.#watch();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#working;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const fromMs = this.#lookedAtMs;
      // Without an answer there is no knowing, until the next one, and what changes meanwhile is seen then.
      await this.#look(fromMs).catch(() => undefined);
      await sleep(everyMs);
    }
  }

  async #look(fromMs: number): Promise<void> {
    const connection = { brokers: [String(this.cluster.env['KAFKA_BROKERS'])], clientId: 'chaos-watch' };
    const names = kinds.map((kind) => groupName({ name: kind, role: 'agent' }, this.cluster.prefix));
    const { groups } = await withAdmin(connection, (admin) => admin.describeGroups(names));
    for (const [index, name] of names.entries()) {
      const group = groups.find(({ groupId }) => groupId === name);
      const now = `${group?.state} ${(group?.members ?? []).map(({ memberId }) => memberId).sort().join(' ')}`;
      const before = this.#seen.get(name);
      this.#seen.set(name, now);
      if (before === undefined || (before === now && group?.state === 'Stable')) continue;
      this.changes += 1;
      this.journal.incidents.push({ fault: 'rebalance', atMs: fromMs, untilMs: Date.now(), touches: [kinds[index] as typeof kinds[number]], about: 'members changed' });
    }
    this.#lookedAtMs = Date.now();
  }
}
