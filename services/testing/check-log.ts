// Looks at a finished log without the fold: which facts count, whether each claim was decided once and in order,
// and whether each accepted job has one terminal.

import type { Fact } from '../../schemas/generated/events.js';
import type { TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { LogPort, LogRecord } from '../runtime/log/port.js';

export interface CountedFact {
  readonly record: LogRecord;
  readonly fact: Fact;
  readonly counts: boolean;
}

export interface LogReport {
  readonly problems: readonly string[];
  readonly facts: readonly CountedFact[];
  readonly claims: number;
  readonly accepted: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly epochs: number;
  readonly stale: number;
  readonly refusals: Readonly<Record<string, number>>;
}

/** Reads both topics whole and checks them. */
export async function checkLog(log: LogPort, topics: TopicNames, codec: EventCodec): Promise<LogReport> {
  const ranges = await log.ranges(topics.verified);
  const quarantine = await log.ranges(topics.quarantine);
  const parts = await Promise.all(ranges.map((range) => readPartition(log, topics, codec, range.partition)));
  const problems = parts.flatMap((facts, index) => checkPartition(facts, index, (quarantine[index]?.next ?? 0) - (quarantine[index]?.low ?? 0)));
  const facts = parts.flat();
  const counted = facts.filter((fact) => fact.counts);
  const ended: Record<string, number> = {};
  const refusals: Record<string, number> = {};
  const terminals = new Map<string, number>();
  const accepted = new Set<string>();
  for (const { fact } of counted) {
    const instance = `${fact.job}/${fact.instance}`;
    if (fact.type === 'JobAccepted') accepted.add(instance);
    if (fact.type === 'ClaimRefused') refusals[fact.reason] = (refusals[fact.reason] ?? 0) + 1;
    if (fact.type !== 'JobEnded') continue;
    ended[fact.outcome] = (ended[fact.outcome] ?? 0) + 1;
    terminals.set(instance, (terminals.get(instance) ?? 0) + 1);
  }
  for (const instance of accepted) if (terminals.get(instance) !== 1) problems.push(`job ${instance} has ${terminals.get(instance) ?? 0} terminals`);
  for (const instance of terminals.keys()) if (!accepted.has(instance)) problems.push(`job ${instance} ended but was never accepted`);
  return {
    problems, facts, ended, refusals, accepted: accepted.size, claims: quarantine.reduce((sum, range) => sum + range.next, 0),
    epochs: counted.filter(({ fact }) => fact.type === 'EpochStarted').length, stale: facts.length - counted.length,
  };
}

/** All facts of a log, partition by partition, and which of them count. */
export async function countedFacts(log: Pick<LogPort, 'read' | 'ranges'>, topics: TopicNames, codec: EventCodec): Promise<readonly CountedFact[]> {
  const ranges = await log.ranges(topics.verified);
  return (await Promise.all(ranges.map((range) => readPartition(log, topics, codec, range.partition)))).flat();
}

async function readPartition(log: Pick<LogPort, 'read'>, topics: TopicNames, codec: EventCodec, partition: number): Promise<readonly CountedFact[]> {
  const facts: CountedFact[] = [];
  let epoch = -1;
  for await (const batch of log.read({ topic: topics.verified, partition, from: 0 })) {
    for (const record of batch) {
      const fact = codec.decodeFact(record.value) as Fact;
      if (fact.type === 'EpochStarted') epoch = record.offset;
      facts.push({ record, fact, counts: fact.type === 'EpochStarted' || fact.epoch === epoch });
    }
  }
  return facts;
}

/** R2: decisions in order, without a gap, each once, all facts of one decision contiguous. */
function checkPartition(facts: readonly CountedFact[], partition: number, claims: number): string[] {
  const problems: string[] = [];
  let cursor = -1;
  let last = -1;
  facts.forEach(({ record, fact, counts }, index) => {
    if (record.offset !== index) problems.push(`partition ${partition}: offset ${record.offset} at place ${index}`);
    if (!counts || fact.cause < 0) return;
    if (fact.cause === cursor) {
      if (last !== index - 1) problems.push(`partition ${partition}: the decision on ${cursor} is torn at ${record.offset}`);
    } else if (fact.cause === cursor + 1) cursor = fact.cause;
    else problems.push(`partition ${partition}: ${record.offset} decides ${fact.cause} after ${cursor}`);
    last = index;
  });
  if (cursor + 1 !== claims) problems.push(`partition ${partition}: ${cursor + 1} of ${claims} claims are decided`);
  return problems;
}
