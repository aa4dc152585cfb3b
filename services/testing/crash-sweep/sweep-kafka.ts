// The same crashes with every service a process of its own, on a real broker, registry and Postgres: the services are
// swept side by side, each through its own seams, while jobs keep coming; so most crashes meet others under way. At
// the end everything comes to rest and is checked whole.

import { setTimeout as sleep } from 'node:timers/promises';
import { replayLog } from '../../../replay/replay.js';
import { contracts } from '../../../workflows/contracts.js';
import { Keyring } from '../../runtime/keyring.js';
import type { SeamProcess, Seam } from '../../runtime/seam-names.js';
import { seamCatalogue } from '../../runtime/seam-names.js';
import type { Kill } from '../../runtime/seams.js';
import { verifyLog } from '../../verify/verify-log.js';
import { countedFacts } from '../check-log.js';
import type { Service } from '../cluster.js';
import { checkDeadLog, findingsOf } from './check-dead-log.js';
import { openKafkaWorld, services, type KafkaWorld, type Seat } from './kafka-host.js';
import type { KillReport } from './kills.js';
import { Client } from './rounds.js';
import { RunLedger } from './run-ledger.js';
import { sweepSetup } from './sweep-setup.js';
import type { SweepFigures, SweepOptions, SweepReport } from './sweep-embedded.js';

const deathPatienceMs = 300_000;
const roundPatienceMs = 600_000;
const roundsAtOnce = 2;
/** Of a pair's half, from its death to its next start. */
const returnMsMax = 1_000;

export interface KafkaSweepOptions extends Omit<SweepOptions, 'kills'> {
  /** All of a service's one after another, all services side by side. */
  readonly kills?: readonly Kill[];
  /** Both of a pair under way at once where they are of two services; then the next pair, once jobs went the whole way. */
  readonly pairs?: readonly (readonly [Kill, Kill])[];
}

export async function sweepKafka(options: KafkaSweepOptions): Promise<SweepReport> {
  const world = await openKafkaWorld();
  try {
    return await new KafkaSweep(world, options).run();
  } finally {
    await world.close();
  }
}

class KafkaSweep {
  readonly #client: Client;
  readonly #ledger: RunLedger;
  readonly #kills: KillReport[] = [];
  readonly #problems: string[] = [];
  /** Of halves of pairs that died: how many jobs had ended when they ran again. */
  readonly #backAt = new Map<Service, number>();
  #isSweeping = true;

  constructor(private readonly world: KafkaWorld, private readonly options: KafkaSweepOptions) {
    const { cluster, ingressUrl } = world;
    this.#client = new Client({
      topics: cluster.topics, codec: cluster.codec, waitS: 5, url: () => Promise.resolve(ingressUrl),
      facts: (partition) => cluster.log.read({ topic: cluster.topics.verified, partition, from: 0 }),
      append: (topic, partition, record) => cluster.log.append({ topic, partition, records: [record] }),
    }, options.name, roundPatienceMs);
    this.#ledger = new RunLedger(world.runsFile);
  }

  async run(): Promise<SweepReport> {
    const startedMs = performance.now();
    const { kills = [], pairs = [] } = this.options;
    const setup = kills.filter(({ name }) => processOf(name) === 'setup');
    if (setup.length > 0) for (const report of await sweepSetup(setup, this.world.cluster, this.#problems)) this.#report(report);
    // A service that is not swept runs on unharmed.
    if (pairs.length > 0) await Promise.all([...this.world.seats.values()].map((seat) => seat.start()));
    const rounds = [...Array.from({ length: roundsAtOnce }, () => this.#keep(() => this.#client.round())), this.#keep(() => this.#client.foreign((id) => this.world.sendForeign(id)))];
    try {
      await Promise.all(services.map((service) => this.#sweepSeat(this.#seat(service), kills.filter(({ name }) => processOf(name) === service))));
      for (const pair of pairs) await this.#sweepPair(pair);
    } catch (error) {
      this.#problems.push((error as Error).message);
      // What has begun can end only with all of them.
      if (pairs.length > 0) await Promise.allSettled([...this.world.seats.values()].map((seat) => seat.start()));
    }
    this.#isSweeping = false;
    await Promise.all(rounds);
    const figures = await this.#rest();
    return { kills: this.#kills, problems: this.#problems, figures: { ...figures, elapsedMs: Math.round(performance.now() - startedMs) } };
  }

  /** One round after another, until the sweep ends or one fails. */
  async #keep(round: () => Promise<void>): Promise<void> {
    try {
      do {
        await round();
      } while (this.#isSweeping);
    } catch (error) {
      this.#problems.push((error as Error).message);
    }
  }

  async #sweepSeat(seat: Seat, kills: readonly Kill[]): Promise<void> {
    for (const kill of kills) await this.#killOnce(seat, kill);
    await seat.start();
  }

  /**
   * Both are under way at once. Whoever dies is started again unharmed after a moment: what the other waits for may
   * come from there, and so the later death meets the recovery from the earlier one. Then a round that begins with both
   * of them back must end.
   */
  async #sweepPair([first, second]: readonly [Kill, Kill]): Promise<void> {
    const [one, other] = [this.#seat(processOf(first.name) as Service), this.#seat(processOf(second.name) as Service)];
    // Downstream first, and before either begins: a drain waits for whoever has ended earlier.
    for (const service of [...services].reverse()) if (service === one.service || service === other.service) await this.#seat(service).stop();
    const halves = one === other ? [this.#killOnce(one, first).then(() => this.#dieAndReturn(one, second))] : [this.#dieAndReturn(one, first), this.#dieAndReturn(other, second)];
    for (const half of await Promise.allSettled(halves)) if (half.status === 'rejected') throw half.reason;
    await this.#client.round();
    this.#backAt.clear();
  }

  async #dieAndReturn(seat: Seat, kill: Kill): Promise<void> {
    await this.#killOnce(seat, kill);
    this.#backAt.set(seat.service, Infinity);
    await sleep(Math.random() * returnMsMax);
    await seat.start();
    this.#backAt.set(seat.service, this.#ended());
  }

  #ended(): number {
    return this.#client.jobs.filter(({ outcome }) => outcome !== null).length;
  }

  async #killOnce(seat: Seat, kill: Kill): Promise<void> {
    const diedAfterMs = await seat.killAt(kill, deathPatienceMs);
    const recovering = [...this.#backAt].filter(([service, endedThen]) => service !== seat.service && this.#ended() <= endedThen).map(([service]) => service);
    // What is closed by now must not be run by the next process.
    if (seat.service === 'agents') this.#ledger.closedBy(await countedFacts(this.world.cluster.log, this.world.cluster.topics, this.world.cluster.codec));
    this.#report({ kill, isReached: diedAfterMs !== null, diedAfterMs: Math.round(diedAfterMs ?? deathPatienceMs), problems: [], recovering });
  }

  #report(report: KillReport): void {
    this.#kills.push(report);
    this.options.onKill?.(report);
  }

  #seat(service: Service): Seat {
    return this.world.seats.get(service) as Seat;
  }

  /** Once all jobs have ended and all rows have come. */
  async #rest(): Promise<Omit<SweepFigures, 'elapsedMs'>> {
    const { log, topics, codec, db, keys } = this.world.cluster;
    const counts = async (): Promise<{ records: number; rows: number }> => ({
      records: (await log.ranges(topics.verified)).reduce((sum, range) => sum + range.next, 0),
      rows: (await db.query<{ rows: number }>('SELECT count(*)::int AS rows FROM audit_rows'))[0]?.rows ?? 0,
    });
    for (let isQuiet = false, untilMs = Date.now() + 60_000; !isQuiet && Date.now() < untilMs;) {
      const before = await counts();
      await sleep(1_500);
      const after = await counts();
      isQuiet = before.records === after.records && after.records === after.rows;
    }
    const keyring = new Keyring(keys);
    const verified = await verifyLog({ log, topics, codec, keyring, db, isAtRest: true });
    const again = await replayLog({ log, topics, codec, keyring, contracts });
    const { problems } = await checkDeadLog({ log, topics, codec, keyring }, this.#client);
    const ledger = this.#ledger.check();
    const fallen = [...this.world.seats.values()].flatMap((seat) => seat.fallen ?? []);
    this.#problems.push(...findingsOf(verified), ...again.divergences.map((divergence) => `I6: ${JSON.stringify(divergence)}`), ...problems, ...ledger.problems, ...this.#client.problems, ...fallen);
    return {
      jobs: this.#client.jobs.length, acknowledged: this.#client.acknowledged.length, facts: verified.figures.facts, stale: verified.figures.stale, rows: verified.figures.rows,
      decisionsTakenAgain: again.decisions, runs: ledger.figures.runs, runsAgain: ledger.figures.again,
    };
  }
}

export function processOf(name: Kill['name']): SeamProcess {
  return (seamCatalogue.find((seam: Seam) => seam.name === name) as Seam).process;
}
