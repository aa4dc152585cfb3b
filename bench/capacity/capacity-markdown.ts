// The capacity model as a section of the report: the unit costs, the assumptions beside them, what follows.

import { shown, table } from '../report/table.js';
import { assumptions, capacityOf, type Load, type Plan, type UnitCosts } from './capacity.js';
import type { Results } from '../report/results.js';
import { unitCostsOf } from './unit-costs.js';

export const loadWanted: Load = { openJobs: 1_000_000, stepsPerS: 50_000 };

export function capacityMarkdown(results: Results, load: Load = loadWanted): string[] {
  const { costs, missing } = unitCostsOf(results);
  if (costs === null) return [`This run has not measured all unit costs (missing: ${missing.join(', ')}); a run without \`--only\` or \`--short\` does.`];
  const plan = capacityOf(costs, load);
  return [
    `${shown(load.openJobs)} open jobs, ${shown(load.stepsPerS)} steps/s = ${shown(plan.jobsPerS)} jobs/s of W3, from the unit costs of this run. Plain arithmetic: a place to begin measuring, no promise.`, '',
    ...wallLines(plan), '', ...table(['part', 'needed', 'from'], planRows(plan, costs)), '',
    'Assumptions:', '', ...assumptionLines(costs).map((line) => `- ${line}`),
  ];
}

function wallLines({ walls, load, postgres }: Plan): string[] {
  const below = walls.filter(({ stepsPerS }) => stepsPerS < load.stepsPerS);
  const [first] = below;
  const sentences = first === undefined ? ['No part that cannot be multiplied ends below this load.'] : [
    `**The first wall is ${first.part === 'Postgres' ? 'the one Postgres' : 'the gateway'}: ${shown(first.stepsPerS)} steps/s (${first.what}).** Until it is taken down, that is what one blackboard does; several blackboards (topic prefixes), each with services and a Postgres of its own, can be run today.`,
    ...(below.some(({ part }) => part === 'Postgres') ? [`For this load the partitions would have to be shared out over ${postgres.servers} Postgres servers, which is not built.`] : []),
    ...(below.some(({ part }) => part === 'gateway') ? ['Each gateway process follows all facts by itself, so that starting more of them does not help; one that follows some partitions only, with a door that knows which, is not built.'] : []),
  ];
  return [sentences.join(' '), '', ...table(['what does not grow by starting another one', 'ends at'], walls.map(({ part, what, stepsPerS }) => [`${part}: ${what}`, `${shown(stepsPerS)} steps/s`]))];
}

function planRows(plan: Plan, costs: UnitCosts): string[][] {
  const { brokers, postgres, instances } = plan;
  const perJob = (service: string): string => `${shown((costs.cpuSecondsPerJob[service] ?? Number.NaN) * 1000)} CPU s per 1,000 jobs, one thread each`;
  return [
    ['partitions of each topic', shown(plan.partitions), `${assumptions.partitionsPerOwner} for each orchestrator; ${shown(plan.openJobsPerPartition)} open jobs in each; they never change, so leave room`],
    ...Object.entries(instances).map(([service, count]) => [service, `${shown(count)} instances`, perJob(service)]),
    ['gateway', '2 instances', `${perJob('gateway')}; each follows all facts`],
    ['memory of an orchestrator', `${shown(plan.orchestratorMb[0])} MB of open jobs, ${shown(plan.orchestratorMb[1])} MB of ended ones`, `${shown(costs.jobKb)} KB per open job beyond its bodies; ${shown(costs.endedJobBytes)} B for each of ${shown(plan.endedJobs)} that have ended within ${assumptions.rememberHours} h, outside of V8's heap`],
    ['take-over after a crash', `${shown(plan.takeOverSeconds)} s if one survivor restores all of a dead one's jobs`, `${shown(costs.restoredJobsPerS)} open jobs a second from a snapshot, ${shown(costs.endedRestoredPerS)} ended ones`],
    ['brokers', `${shown(brokers.count)}, ${shown(brokers.cores)} cores in all`, `${shown((costs.cpuSecondsPerJob['kafka'] ?? Number.NaN) * 1000)} CPU s per 1,000 jobs without followers`],
    ['brokers: network', `${shown(brokers.inMbPerS)} MB/s in, ${shown(brokers.outMbPerS)} MB/s out, all brokers`, `${shown(costs.factBytesPerJob)} B of facts and ${shown(costs.claimBytesPerJob)} B of claims per job`],
    ['brokers: disk', `${shown(brokers.diskMbPerS)} MB/s, ${shown(brokers.diskTbRetained)} TB kept`, `${assumptions.retentionDays} days, ${assumptions.replicas} copies`],
    ['Postgres: rows', `${shown(postgres.rowsPerS)} a second`, `${shown(costs.factsPerJob)} facts per job; one projector brought in ${shown(costs.projectedRowsPerS)} a second here, plain COPY ${shown(costs.copiedRowsPerS)}`],
    ['Postgres: write-ahead log', `${shown(postgres.walMbPerS)} MB/s`, `${shown(costs.walBytesPerJob)} B per job`],
    ['Postgres: processor', `${shown(postgres.cores)} cores`, `${shown((costs.cpuSecondsPerJob['postgres'] ?? Number.NaN) * 1000)} CPU s per 1,000 jobs`],
    ['Postgres: disk', `${shown(postgres.gbPerDay)} GB a day, ${shown(postgres.tbRetained)} TB kept`, `${shown(costs.databaseBytesPerJob)} B per job with indexes; audit_rows wants partitions by day, which it does not have yet`],
    ['Postgres servers', shown(postgres.servers), 'the first of its walls above'],
  ];
}

function assumptionLines(costs: UnitCosts): string[] {
  const a = assumptions;
  return [
    'a core there does what a core of the measured machine does, and costs per job stay what they were at saturation here (bigger batches make them smaller, more partitions larger: see the sweeps);',
    `cores, disks and servers are used to ${Math.round(100 * a.utilisation)} %, the rest is for bursts, rebalances and restores; each service runs at least twice;`,
    `a broker has ${a.brokerCores} cores, ${shown(a.brokerNetworkMbPerS)} MB/s of network each way and ${a.brokerDiskMbPerS} MB/s of disk; followers double its processor time; ${a.replicas} replicas, ${a.factReaders} groups that read all facts (agents by kind, projector, gateway, snapshots);`,
    `a Postgres server has ${a.postgresCores} cores and takes ${a.postgresWalMbPerS} MB/s of write-ahead log from ${a.postgresSessions} sessions that write side by side; records and rows are kept ${a.retentionDays} days;`,
    `a take-over takes at most ${a.restoreSecondsMax} s per partition, and ids of ended jobs are remembered ${a.rememberHours} h: a shorter window is less memory, more partitions are shorter take-overs; jobs are W3's (${costs.stepsPerJob} steps, some 300 bytes a result): real ones carry larger bodies and wait for models, which changes agents, bodies and open jobs, not the gate;`,
    'latency between zones is not in here: it adds to each hop of a job, and nothing to throughput.',
  ];
}
