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
  /** Rows that the projector brings into one Postgres when nothing else holds it up. */
  readonly projectedRowsPerS: number;
  readonly jobKb: number;
  readonly restoredJobsPerS: number;
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
  readonly brokerCores: number;
  readonly brokerNetworkMbPerS: number;
  readonly brokerDiskMbPerS: number;
  readonly postgresCores: number;
  readonly postgresWalMbPerS: number;
  /** Partitions for each orchestrator, so that load spreads evenly and a take-over is small. */
  readonly partitionsPerOwner: number;
}

export const assumptions: Assumptions = {
  utilisation: 0.6, replicas: 3, brokerCpuOfReplication: 2, factReaders: 6, restoreSecondsMax: 5, retentionDays: 30, brokerCores: 16,
  brokerNetworkMbPerS: 1_250, brokerDiskMbPerS: 500, postgresCores: 32, postgresWalMbPerS: 300, partitionsPerOwner: 4,
};

/** Services whose work is one thread's: an instance has one core, and more work means more instances. */
const singleThreaded = ['ingress', 'orchestrator', 'agents', 'projector', 'gateway'] as const;

export interface Plan {
  readonly load: Load;
  readonly jobsPerS: number;
  readonly instances: Readonly<Record<string, number>>;
  readonly partitions: number;
  readonly openJobsPerPartition: number;
  readonly takeOverSeconds: number;
  readonly orchestratorHeapMb: number;
  readonly brokers: { readonly count: number; readonly cores: number; readonly inMbPerS: number; readonly outMbPerS: number; readonly diskMbPerS: number; readonly diskTbRetained: number };
  readonly postgres: PostgresPlan;
  /** What cannot be had more of by starting another one, and the steps/s at which it ends. */
  readonly firstWall: { readonly what: string; readonly stepsPerS: number };
}

export interface PostgresPlan {
  readonly rowsPerS: number;
  readonly walMbPerS: number;
  readonly cores: number;
  readonly gbPerDay: number;
  readonly tbRetained: number;
  /** Servers that would share the partitions, were that built. */
  readonly servers: number;
  /** Steps/s at which one server ends, by what ends it. */
  readonly limits: Readonly<Record<string, number>>;
}

const mb = 1e6;

export function capacityOf(costs: UnitCosts, load: Load, given: Assumptions = assumptions): Plan {
  const jobsPerS = load.stepsPerS / costs.stepsPerJob;
  const coresOf = (service: string): number => (jobsPerS * (costs.cpuSecondsPerJob[service] ?? 0)) / given.utilisation;
  const instances = Object.fromEntries(singleThreaded.map((service) => [service, Math.max(2, Math.ceil(coresOf(service)))]));
  const owners = instances['orchestrator'] ?? 2;
  const openJobsPerPartitionMax = costs.restoredJobsPerS * given.restoreSecondsMax;
  // What dies is an owner: whoever takes over restores its partitions one after another.
  const partitions = powerOfTwo(Math.max(owners * given.partitionsPerOwner, load.openJobs / openJobsPerPartitionMax));
  const postgres = postgresPlan(costs, load, given);
  const [what, stepsPerS] = Object.entries(postgres.limits).sort((a, b) => a[1] - b[1])[0] ?? ['nothing', Number.POSITIVE_INFINITY];
  return {
    load, jobsPerS, instances, partitions, openJobsPerPartition: load.openJobs / partitions,
    takeOverSeconds: (load.openJobs / owners) / costs.restoredJobsPerS,
    orchestratorHeapMb: ((load.openJobs / owners) * costs.jobKb * 1024) / mb,
    brokers: brokersOf(costs, { jobsPerS, cores: coresOf('kafka') * given.brokerCpuOfReplication }, given), postgres,
    firstWall: { what: `one Postgres: ${what}`, stepsPerS },
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

function postgresPlan(costs: UnitCosts, load: Load, given: Assumptions): PostgresPlan {
  const jobsPerS = load.stepsPerS / costs.stepsPerJob;
  const rowsPerS = jobsPerS * costs.factsPerJob;
  const cpu = costs.cpuSecondsPerJob['postgres'] ?? 0;
  const stepsAt = (jobs: number): number => jobs * given.utilisation * costs.stepsPerJob;
  const limits = {
    'rows a second of the projector': stepsAt(costs.projectedRowsPerS / costs.factsPerJob),
    'write-ahead log': stepsAt((given.postgresWalMbPerS * mb) / costs.walBytesPerJob),
    'processor time': stepsAt(given.postgresCores / cpu),
  };
  const gbPerDay = (jobsPerS * costs.databaseBytesPerJob * 86_400) / 1e9;
  return {
    rowsPerS, walMbPerS: (jobsPerS * costs.walBytesPerJob) / mb, cores: (jobsPerS * cpu) / given.utilisation, gbPerDay, tbRetained: (gbPerDay * given.retentionDays) / 1000,
    servers: Math.max(1, Math.ceil(load.stepsPerS / Math.min(...Object.values(limits)))), limits,
  };
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, least)));
}
