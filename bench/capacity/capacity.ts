// From what a unit of work costs on the measured machine to what a cluster needs for a load: plain arithmetic, pure, each
// assumption named. It knows nothing of queues or bursts: what it gives is a place to begin measuring.

/** Costs of W3, as measured; seconds of processor time and bytes are per job. */
export interface UnitCosts {
  readonly stepsPerJob: number;
  readonly factsPerJob: number;
  readonly claimsPerJob: number;
  readonly factBytesPerJob: number;
  readonly claimBytesPerJob: number;
  /** Write-ahead log and growth of tables and indexes in Postgres. */
  readonly walBytesPerJob: number;
  readonly databaseBytesPerJob: number;
  /** By what it is: orchestrator, agents, projector, gateway, ingress, kafka, postgres. */
  readonly cpuSecondsPerJob: Readonly<Record<string, number>>;
  /** Rows that one projector brings into Postgres when nothing else holds it up, and those of one session's COPY. */
  readonly projectedRowsPerS: number;
  readonly copiedRowsPerS: number;
  readonly jobKb: number;
  readonly restoredJobsPerS: number;
  /** Of a job that has ended and whose id is remembered: memory, and how many come back a second from a snapshot. */
  readonly endedJobBytes: number;
  readonly endedRestoredPerS: number;
}

export interface Load {
  readonly openJobs: number;
  readonly stepsPerS: number;
}

export interface Assumptions {
  /** Of what a core, a disk or a server can do, in steady use. */
  readonly utilisation: number;
  readonly replicas: number;
  /** Processor time of a broker with followers, against the measured one without. */
  readonly brokerCpuOfReplication: number;
  /** Consumer groups that read all facts: agents' processes by kind, projector, gateway, snapshots. */
  readonly factReaders: number;
  /** How long a take-over may take. */
  readonly restoreSecondsMax: number;
  readonly retentionDays: number;
  /** How long the id of an ended job is remembered: the policy's `rememberMs`. */
  readonly rememberHours: number;
  readonly brokerCores: number;
  readonly brokerNetworkMbPerS: number;
  readonly brokerDiskMbPerS: number;
  readonly postgresCores: number;
  readonly postgresWalMbPerS: number;
  /** Sessions that write side by side before they wait for one another. */
  readonly postgresSessions: number;
  /** Partitions for each orchestrator, so that load spreads evenly and a take-over is small. */
  readonly partitionsPerOwner: number;
}

export const assumptions: Assumptions = {
  utilisation: 0.6, replicas: 3, brokerCpuOfReplication: 2, factReaders: 6, restoreSecondsMax: 5, retentionDays: 30, rememberHours: 24, brokerCores: 16,
  brokerNetworkMbPerS: 1_250, brokerDiskMbPerS: 500, postgresCores: 32, postgresWalMbPerS: 300, postgresSessions: 4, partitionsPerOwner: 4,
};

/** Services whose work is one thread's and shared out by partition (or by caller): more work means more instances. */
const sharedOut = ['ingress', 'orchestrator', 'agents', 'projector'] as const;

export interface Plan {
  readonly load: Load;
  readonly jobsPerS: number;
  readonly instances: Readonly<Record<string, number>>;
  readonly partitions: number;
  readonly openJobsPerPartition: number;
  /** Ended, and remembered. */
  readonly endedJobs: number;
  readonly takeOverSeconds: number;
  /** Open jobs, and ended ones. */
  readonly orchestratorMb: readonly [number, number];
  readonly brokers: { readonly count: number; readonly cores: number; readonly inMbPerS: number; readonly outMbPerS: number; readonly diskMbPerS: number; readonly diskTbRetained: number };
  readonly postgres: PostgresPlan;
  /** What cannot be had more of by starting another one, lowest first. */
  readonly walls: readonly Wall[];
}

export interface Wall {
  readonly part: 'Postgres' | 'gateway';
  readonly what: string;
  /** Where it ends. */
  readonly stepsPerS: number;
}

export interface PostgresPlan {
  readonly rowsPerS: number;
  readonly walMbPerS: number;
  readonly cores: number;
  readonly gbPerDay: number;
  readonly tbRetained: number;
  /** Servers that would share the partitions, were that built. */
  readonly servers: number;
}

const mb = 1e6;

export function capacityOf(costs: UnitCosts, load: Load, given: Assumptions = assumptions): Plan {
  const jobsPerS = load.stepsPerS / costs.stepsPerJob;
  const coresOf = (service: string): number => (jobsPerS * (costs.cpuSecondsPerJob[service] ?? 0)) / given.utilisation;
  const instances = Object.fromEntries(sharedOut.map((service) => [service, Math.max(2, Math.ceil(coresOf(service)))]));
  const projectors = (jobsPerS * costs.factsPerJob) / (costs.projectedRowsPerS * given.utilisation);
  instances['projector'] = Math.max(instances['projector'] ?? 2, Math.ceil(projectors));
  const owners = instances['orchestrator'] ?? 2;
  const endedJobs = jobsPerS * given.rememberHours * 3600;
  const restoreSeconds = load.openJobs / costs.restoredJobsPerS + endedJobs / costs.endedRestoredPerS;
  // What dies is an owner: whoever takes over restores its partitions one after another.
  const partitions = powerOfTwo(Math.max(owners * given.partitionsPerOwner, restoreSeconds / given.restoreSecondsMax));
  const walls = wallsOf(costs, given);
  const postgresEnds = Math.min(...walls.filter(({ part }) => part === 'Postgres').map(({ stepsPerS }) => stepsPerS));
  return {
    load, jobsPerS, instances, partitions, openJobsPerPartition: load.openJobs / partitions, endedJobs,
    takeOverSeconds: restoreSeconds / owners,
    orchestratorMb: [((load.openJobs / owners) * costs.jobKb * 1024) / mb, ((endedJobs / owners) * costs.endedJobBytes) / mb],
    brokers: brokersOf(costs, { jobsPerS, cores: coresOf('kafka') * given.brokerCpuOfReplication }, given),
    postgres: postgresPlan(costs, { jobsPerS, servers: Math.max(1, Math.ceil(load.stepsPerS / postgresEnds)) }, given), walls,
  };
}

function brokersOf(costs: UnitCosts, { jobsPerS, cores }: { readonly jobsPerS: number; readonly cores: number }, given: Assumptions): Plan['brokers'] {
  const bytesPerJob = costs.factBytesPerJob + costs.claimBytesPerJob;
  const written = (jobsPerS * bytesPerJob) / mb;
  const diskMbPerS = written * given.replicas;
  const inMbPerS = diskMbPerS;
  const outMbPerS = written * (given.replicas - 1) + (jobsPerS * (costs.factBytesPerJob * given.factReaders + costs.claimBytesPerJob)) / mb;
  const count = Math.max(
    given.replicas, Math.ceil(cores / given.brokerCores), Math.ceil(Math.max(inMbPerS, outMbPerS) / (given.brokerNetworkMbPerS * given.utilisation)), Math.ceil(diskMbPerS / (given.brokerDiskMbPerS * given.utilisation)),
  );
  return { count, cores, inMbPerS, outMbPerS, diskMbPerS, diskTbRetained: (diskMbPerS * 86_400 * given.retentionDays) / mb };
}

/** Every gateway reads all facts, whatever it serves: starting another one takes nothing off the first. */
function wallsOf(costs: UnitCosts, given: Assumptions): readonly Wall[] {
  const { gateway = 0, postgres = 0 } = costs.cpuSecondsPerJob;
  const stepsAt = (jobsPerS: number): number => jobsPerS * given.utilisation * costs.stepsPerJob;
  const walls: readonly Wall[] = [
    { part: 'gateway', what: 'one thread follows all facts', stepsPerS: stepsAt(1 / gateway) },
    { part: 'Postgres', what: `rows, ${given.postgresSessions} sessions of COPY`, stepsPerS: stepsAt((costs.copiedRowsPerS * given.postgresSessions) / costs.factsPerJob) },
    { part: 'Postgres', what: 'write-ahead log', stepsPerS: stepsAt((given.postgresWalMbPerS * mb) / costs.walBytesPerJob) },
    { part: 'Postgres', what: 'processor time', stepsPerS: stepsAt(given.postgresCores / postgres) },
  ];
  return [...walls].sort((a, b) => a.stepsPerS - b.stepsPerS);
}

function postgresPlan(costs: UnitCosts, { jobsPerS, servers }: { readonly jobsPerS: number; readonly servers: number }, given: Assumptions): PostgresPlan {
  const gbPerDay = (jobsPerS * costs.databaseBytesPerJob * 86_400) / 1e9;
  return {
    rowsPerS: jobsPerS * costs.factsPerJob, walMbPerS: (jobsPerS * costs.walBytesPerJob) / mb, cores: (jobsPerS * (costs.cpuSecondsPerJob['postgres'] ?? 0)) / given.utilisation,
    gbPerDay, tbRetained: (gbPerDay * given.retentionDays) / 1000, servers,
  };
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, least)));
}
