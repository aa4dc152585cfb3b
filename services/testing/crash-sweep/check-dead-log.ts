// What must hold of a log at any moment, looked at while nothing runs: the invariants of the verifier, and that what
// clients were told is there.

import type { TopicNames } from '../../../topics/topics.js';
import type { EventCodec } from '../../runtime/codec/event-codec.js';
import type { Keyring } from '../../runtime/keyring.js';
import type { LogPort } from '../../runtime/log/port.js';
import { verifyLog, type VerifyReport } from '../../verify/verify-log.js';
import type { CountedFact } from '../check-log.js';
import { countedFacts } from '../check-log.js';
import type { Acknowledged, Tracked } from './rounds.js';

export interface DeadLog {
  readonly log: Pick<LogPort, 'read' | 'ranges'>;
  readonly topics: TopicNames;
  readonly codec: EventCodec;
  readonly keyring: Keyring | null;
}

/** @returns what is wrong, and the facts of the log. */
export async function checkDeadLog(of: DeadLog, told: { readonly acknowledged: readonly Acknowledged[]; readonly jobs: readonly Tracked[] }): Promise<{ readonly problems: readonly string[]; readonly facts: readonly CountedFact[] }> {
  const facts = await countedFacts(of.log, of.topics, of.codec);
  const report = await verifyLog(of);
  return { problems: [...findingsOf(report), ...await missing(of, told.acknowledged), ...otherwise(told.jobs, facts)], facts };
}

/** The failures of a report, one line each. */
export function findingsOf(report: VerifyReport): readonly string[] {
  return report.rows.filter(({ result }) => result === 'FAIL').flatMap(({ invariant, findings }) => findings.map(({ what, records }) => `${invariant}: ${what}${records.length === 0 ? '' : ` (${records.join(', ')})`}`));
}

/** I2: each write that was answered with 202 stands where the answer said. */
async function missing({ log, topics, codec }: DeadLog, acknowledged: readonly Acknowledged[]): Promise<readonly string[]> {
  const stands = new Set<string>();
  for (const { partition, next } of await log.ranges(topics.quarantine)) {
    for await (const batch of log.read({ topic: topics.quarantine, partition, from: 0, until: next })) {
      for (const record of batch) {
        const decoded = codec.decode(record.value);
        if (decoded.ok) stands.add(`${decoded.event.type} ${decoded.event.job} at ${partition}/${record.offset}`);
      }
    }
  }
  return acknowledged.map(({ type, job, partition, offset }) => `${type} ${job} at ${partition}/${offset}`).filter((place) => !stands.has(place)).map((place) => `I2: ${place} was acknowledged and is not in the log`);
}

/** A job is accepted once under its key, and has the outcome that its client was told. */
function otherwise(jobs: readonly Tracked[], facts: readonly CountedFact[]): readonly string[] {
  const accepted = new Map<string, number>();
  const ended = new Map<string, string[]>();
  for (const { fact, counts } of facts) {
    if (counts && fact.type === 'JobAccepted') accepted.set(fact.job, (accepted.get(fact.job) ?? 0) + 1);
    if (counts && fact.type === 'JobEnded') ended.set(fact.job, [...ended.get(fact.job) ?? [], fact.outcome]);
  }
  return jobs.flatMap(({ job, outcome }) => [
    ...((accepted.get(job) ?? 0) > 1 ? [`I1: job ${job} was accepted ${accepted.get(job)} times`] : []),
    ...((ended.get(job) ?? []).length > 1 ? [`I1: job ${job} has ${ended.get(job)?.length} terminals`] : []),
    ...(outcome !== null && ended.get(job)?.[0] !== outcome ? [`I12: the client was told that ${job} is ${outcome}, the log says ${ended.get(job)?.[0] ?? 'nothing'}`] : []),
  ]);
}
