// What can go wrong in a run, each with how often when a seed has drawn it. A tenth of all seeds are heavy storms; in a
// quarter nothing befalls processes, log and clocks, only what agents, clients and strangers do. No run has fewer than
// `faultsMin`: what its storm has not brought, strangers do before it ends.

import type { Dice } from './dice.js';

/** Chance per opportunity, from and to: a seed that has the kind draws its own from between. */
interface FaultSpec {
  readonly least: number;
  readonly most: number;
  readonly means: string;
}

export const faultKinds = {
  'append-refused': { least: 0.002, most: 0.04, means: 'the log refuses an append' },
  'append-unknown-written': { least: 0.002, most: 0.05, means: 'an append lands, its answer is lost' },
  'append-unknown-lost': { least: 0.002, most: 0.05, means: 'an append and its answer are lost' },
  'append-late': { least: 0.002, most: 0.05, means: 'an append is given up and lands later' },
  'network-slow': { least: 0.02, most: 0.4, means: 'answers and deliveries take long' },
  'orchestrator-crash': { least: 0.02, most: 0.15, means: 'an orchestrator dies and starts again' },
  'orchestrator-crash-at-seam': { least: 0.001, most: 0.02, means: 'an orchestrator dies right before or after an I/O' },
  'orchestrator-stall': { least: 0.02, most: 0.12, means: 'an orchestrator stops past its session and goes on with what it had in hand' },
  'agents-crash': { least: 0.02, most: 0.12, means: 'an agent process dies and starts again' },
  'agents-stall': { least: 0.02, most: 0.12, means: 'an agent process stops past its session and goes on' },
  'projector-crash': { least: 0.05, most: 0.2, means: 'the projector dies with what it has not committed' },
  'member-churn': { least: 0.02, most: 0.15, means: 'an orchestrator joins and leaves' },
  'rival-owner': { least: 0.01, most: 0.04, means: 'a second group owns the same partitions for a while' },
  'positions-lost': { least: 0.02, most: 0.1, means: 'the committed positions of all groups are lost' },
  'delivery-repeated': { least: 0.02, most: 0.2, means: 'a batch of quarantine is delivered twice to its owner' },
  'delivery-gap': { least: 0.02, most: 0.2, means: 'the beginning of a batch of quarantine is not delivered to its owner' },
  'submission-duplicated': { least: 0.05, most: 0.4, means: 'a submission is sent again' },
  'claim-duplicated': { least: 0.05, most: 0.3, means: 'a claim is in quarantine twice' },
  'claim-forged': { least: 0.16, most: 0.5, means: 'a hostile claim under a false or real name' },
  'garbage-bytes': { least: 0.05, most: 0.3, means: 'bytes that are no claim' },
  'tick-surplus': { least: 0.05, most: 0.3, means: 'more ticks than anybody needs' },
  cancellation: { least: 0.02, most: 0.15, means: 'a job is cancelled' },
  'submission-refusable': { least: 0.05, most: 0.3, means: 'a submission that breaks a rule' },
  'agent-slow': { least: 0.05, most: 0.3, means: 'an agent takes long, at times past its deadline' },
  'agent-throws': { least: 0.02, most: 0.2, means: "an agent's run throws" },
  'agent-fails': { least: 0.02, most: 0.2, means: 'an agent reports a failure' },
  'agent-silent': { least: 0.02, most: 0.1, means: 'an agent never answers' },
  'agent-bad-work': { least: 0.05, most: 0.3, means: 'an agent posts work that breaks a rule of its step' },
  'verifier-rejects': { least: 0.05, most: 0.4, means: 'the verifier rejects a candidate' },
  'verifier-silent': { least: 0.02, most: 0.15, means: 'the verifier never answers' },
  'gateway-fails': { least: 0.02, most: 0.2, means: 'the gateway breaks a connection or is busy' },
  'gateway-behind': { least: 0.02, most: 0.3, means: 'the gateway has not read so far' },
  'local-clock-jump': { least: 0.02, most: 0.2, means: "a process's own clock steps by up to an hour" },
  'append-time-falls-back': { least: 0.02, most: 0.1, means: "the log's clock falls back for a while" },
  'append-time-jumps': { least: 0.01, most: 0.06, means: "the log's clock jumps forward for good" },
  'agent-huge-plan': { least: 0.01, most: 0.06, means: 'a plan whose steps would not fit one append' },
  'verb-throws': { least: 0.02, most: 0.15, means: 'a submission at which a verb throws' },
  'id-reused': { least: 0.05, most: 0.3, means: 'the key of a job is used again later, for another job' },
  'schema-late': { least: 0.05, most: 0.3, means: 'a submission under a schema that only the registry knows yet' },
  'registry-away': { least: 0.2, most: 0.9, means: 'the registry does not answer' },
  'deadline-short': { least: 0.05, most: 0.3, means: 'a job with little time' },
} as const satisfies Readonly<Record<string, FaultSpec>>;

export type FaultKind = keyof typeof faultKinds;

/** Faults that every run has at least. */
export const faultsMin = 12;

/** `mild`: agents, clients and strangers only. `light`: a few of each kind. `heavy`: as many as the kinds allow. */
export type Storm = 'mild' | 'light' | 'heavy';

export function stormOf(seed: number): Storm {
  return seed % 4 === 0 ? 'mild' : seed % 10 === 3 ? 'heavy' : 'light';
}

/** What outsiders do, and agents: no fault of the parts that the runtime stands on. */
const outsiders = /^(agent|verifier|claim|submission|tick|garbage|cancellation|verb|id|deadline)/;

/** The faults of one seed, and how often each was injected. */
export class Faults {
  readonly #rates = new Map<FaultKind, number>();
  readonly injected = new Map<FaultKind, number>();
  #total = 0;
  #healed = false;

  constructor(private readonly dice: Dice, readonly storm: Storm) {
    for (const [kind, { least, most }] of Object.entries(faultKinds)) {
      const chance = storm === 'heavy' ? 0.5 : storm === 'light' ? 0.4 : outsiders.test(kind) ? 0.6 : 0;
      if (dice.chance(chance)) this.#rates.set(kind as FaultKind, storm === 'heavy' ? least + dice.next() * (most - least) : least * (0.5 + dice.next()));
    }
  }

  has(kind: FaultKind): boolean {
    return this.#rates.has(kind);
  }

  /** How many struck so far. */
  get total(): number {
    return this.#total;
  }

  /** Whether a fault strikes at this opportunity; counts it if so. */
  strikes(kind: FaultKind): boolean {
    const rate = this.#rates.get(kind);
    if (this.#healed || rate === undefined || !this.dice.chance(rate)) return false;
    this.count(kind);
    return true;
  }

  count(kind: FaultKind): void {
    this.#total += 1;
    this.injected.set(kind, (this.injected.get(kind) ?? 0) + 1);
  }

  heal(): void {
    this.#healed = true;
  }
}
