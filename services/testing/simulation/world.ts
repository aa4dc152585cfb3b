// The processes of one run on one log: production orchestrators, agents through the production SDK, a projector, and
// the clients. Those that die come back; what a process says when it halts is kept.

import type { Logger } from 'pino';
import { runAgents } from '../../agents/sdk/run-agents.js';
import type { OwnerEffects } from '../../orchestrator/owner-effects.js';
import { startOrchestrator, type Orchestrator, type OrchestratorOptions } from '../../orchestrator/start-orchestrator.js';
import { BlackboardError } from '../../runtime/errors.js';
import type { AppendFault } from '../../runtime/log/memory/memory-log.js';
import type { AppendBatch } from '../../runtime/log/port.js';
import { AppendHistory } from './append-history.js';
import { RecordingStore } from './recording-store.js';
import { codec, epochMs, topics } from './blackboard-of-seed.js';
import { signWith, type SignClaim } from './claims.js';
import { Deployment } from './deployment.js';
import { Dice } from './dice.js';
import { Faults, stormOf } from './fault-kinds.js';
import { gatewayUrl } from './run-effects.js';
import { SimProcess } from './sim-process.js';
import type { Scenario } from './scenario.js';
import { Scheduler } from './scheduler.js';
import { SimulatedGateway } from './simulated-gateway.js';
import { ProjectedTables, startSimulatedProjector } from './simulated-projector.js';
import { SimulatedSnapshots, hasSnapshots } from './simulated-snapshots.js';

export type Role = 'orchestrator' | 'worker' | 'verifier' | 'projector';

/** A place where a process runs; a new one takes it when the old one has died. */
export interface Place {
  readonly role: Role;
  readonly group: string;
  process: SimProcess;
  orchestrator: Orchestrator | null;
  /** False: nobody comes after this one. */
  isKept: boolean;
}

/** How long readers wait for more before they are given what has come. */
const fetchMsMaxes = [0, 20, 60, 150] as const;
const triesAtDeadLetter = 4;
const silent = { isLevelEnabled: () => false, info() {}, debug() {}, warn() {}, error() {}, fatal() {}, trace() {}, child: () => silent } as unknown as Logger;

export class World {
  readonly dice: Dice;
  readonly faults: Faults;
  readonly scheduler: Scheduler;
  readonly history = new AppendHistory();
  readonly store: RecordingStore;
  readonly gateway: SimulatedGateway;
  readonly tables = new ProjectedTables();
  /** Null: owners of this run read the log alone. */
  readonly snapshots: SimulatedSnapshots | null;
  readonly places: Place[] = [];
  /** What halted that should not have. */
  readonly halts: string[] = [];
  /** What agents did that a run has no place for. */
  readonly strays = new Set<string>();
  readonly partitions: number;
  readonly deployment: Deployment;
  readonly sign: SignClaim;
  /** What the agents of this run change outside of the blackboard. */
  readonly outside: unknown;
  /** How far the log's clock is from virtual time. */
  logSkewMs = 0;
  #started = 0;

  constructor(readonly seed: number, readonly scenario: Scenario) {
    this.sign = signWith(scenario.keyring);
    this.outside = scenario.outside();
    this.dice = new Dice(seed);
    this.faults = new Faults(this.dice, stormOf(seed));
    this.scheduler = new Scheduler(this.dice, epochMs);
    this.partitions = this.dice.between(1, 4);
    // From one record at a time to batches of many.
    const fetchMsMax = this.dice.pick(fetchMsMaxes);
    this.store = new RecordingStore({
      topics: [topics.quarantine, topics.verified].map((name) => ({ name, partitions: this.partitions })).concat([topics.control, topics.deadLetter].map((name) => ({ name, partitions: 1 }))),
      schedule: (action, delayMs) => { this.scheduler.at(delayMs + this.dice.next() * 2, action); },
      fetchMs: () => this.dice.next() * fetchMsMax,
      clock: () => Math.floor(this.scheduler.nowMs + this.logSkewMs),
      faults: { onAppend: (batch) => this.#faultOf(batch) },
    });
    this.deployment = new Deployment(seed, scenario.policy, scenario.own === null && this.faults.storm !== 'mild');
    this.gateway = new SimulatedGateway(this);
    this.snapshots = hasSnapshots(seed) ? new SimulatedSnapshots(seed, scenario.keyring) : null;
  }

  /** Where a partition is due for one, and this run has any. */
  takeSnapshot(): void {
    this.snapshots?.take(this, silent);
  }

  /** A process without a place: a client. */
  process(name: string): SimProcess {
    this.#started += 1;
    return new SimProcess(`${name}-${this.#started}`, this);
  }

  place(role: Role, group = ''): Place {
    const place: Place = { role, group, process: this.process(role), orchestrator: null, isKept: true };
    this.places.push(place);
    this.#run(place);
    return place;
  }

  /** Kills what runs there; another takes its place after a while. */
  crash(place: Place): void {
    place.process.kill();
    place.orchestrator = null;
    if (!place.isKept) return;
    const dead = place.process;
    this.scheduler.at(this.dice.between(20, 2_500), () => {
      if (place.process !== dead || !place.isKept) return;
      place.process = this.process(place.role);
      this.#run(place);
    });
  }

  /** For good. */
  remove(place: Place): void {
    place.isKept = false;
    place.process.kill();
    place.orchestrator = null;
    const at = this.places.indexOf(place);
    if (at >= 0) this.places.splice(at, 1);
  }

  #run(place: Place): void {
    const { process } = place;
    const halted = (error: Error): void => {
      if (!process.isAlive) return;
      // An agent that cannot post ends its process; its supervisor starts another.
      const isExpected = place.role !== 'orchestrator' && place.role !== 'projector' && error instanceof BlackboardError && error.code === 'APPEND_REFUSED';
      if (!isExpected) this.halts.push(`${process.name}: ${error.stack ?? error.message}`);
      this.crash(place);
    };
    this.#start(place, halted).catch((error: unknown) => halted(error as Error));
  }

  async #start(place: Place, halted: (error: Error) => void): Promise<void> {
    const { process, group } = place;
    if (place.role === 'projector') return startSimulatedProjector(process, this.tables, this.dice, halted);
    if (place.role === 'orchestrator') {
      const orchestrator = await startOrchestrator({ ...this.#ownerEffects(place), ...this.#snapshotEffects(), topics, commitEveryMs: 500, ...(group === '' ? {} : { group }) });
      if (process.isAlive) place.orchestrator = orchestrator;
      void orchestrator.halted.then(halted);
      return;
    }
    const parts = { process, dice: this.dice, faults: this.faults, outside: this.outside };
    const { scenario } = this;
    const running = await runAgents({
      agents: place.role === 'worker' ? scenario.workers(parts) : scenario.verifiers(parts),
      log: process, codec, keyring: scenario.keyring, topics, gateway: { url: gatewayUrl }, logger: silent, clock: process.clock,
      // A group without positions begins in the middle: what is older than a request can be is nobody's work any more.
      startAtMs: Math.floor(this.scheduler.nowMs + this.logSkewMs) - 3_000,
    });
    void running.halted.then(halted);
  }

  #snapshotEffects(): Pick<OrchestratorOptions, 'snapshots' | 'snapshotReading' | 'onRestored'> {
    const { snapshots } = this;
    if (snapshots === null) return {};
    return { snapshots, snapshotReading: { worthRecords: 1, answerMsMax: 300, breathe: () => Promise.resolve() }, onRestored: (restored) => { snapshots.noteRestored(restored); } };
  }

  #ownerEffects(place: Place): Omit<OwnerEffects, 'onHalt' | 'snapshots'> {
    const { process } = place;
    const { keyring, contracts } = this.scenario;
    const { renewAfterRecords } = this.deployment;
    return {
      log: process, codec, keyring, contracts, policy: this.deployment.policy(), partitions: this.partitions, instance: process.name, logger: silent,
      random: () => this.dice.next(), sleep: (ms) => process.sleep(ms), monotonicMs: () => process.monotonicMs(), setTimer: (ms, fire) => process.later(ms, fire),
      ...(renewAfterRecords === undefined ? {} : { renewAfterRecords }), learn: (id) => this.#askRegistry(process, id),
      seams: () => {
        if (!process.isAlive || !this.faults.strikes('orchestrator-crash-at-seam')) return;
        this.crash(place);
        throw new Error('the process died at a seam');
      },
    };
  }

  async #askRegistry(process: SimProcess, id: number): Promise<void> {
    await process.sleep(this.dice.between(1, 50));
    if (this.faults.strikes('registry-away')) throw new BlackboardError('REGISTRY_UNAVAILABLE', 'the registry of the run does not answer');
    codec.tell(id);
  }

  /** There are few dead letters, and what an owner does when one does not land is a path of its own. */
  #faultOf(batch: AppendBatch): AppendFault {
    const isDeadLetter = batch.topic === topics.deadLetter;
    for (let left = isDeadLetter ? triesAtDeadLetter : 1; left > 0; left -= 1) {
      const fault = this.#anyFault(isDeadLetter);
      if (fault !== 'ok') return fault;
    }
    return 'ok';
  }

  #anyFault(isDeadLetter: boolean): AppendFault {
    const { faults, dice } = this;
    if (faults.strikes('append-refused')) return 'refuse';
    if (faults.strikes('append-unknown-written')) return 'unknownWritten';
    if (faults.strikes('append-unknown-lost')) return 'unknownLost';
    // Those who were told "unknown" may see it land any time later.
    if (!isDeadLetter && faults.strikes('append-late')) return { lateMs: dice.between(5, 3_000) };
    return 'ok';
  }
}
