// Phase three: the log of a run against its invariants. The rules about facts are the verifier's, which share nothing
// with the fold; here stand those that need to know what the clients were told and what the owners held.
//
// Which rule is asserted where, in every run, under its own name or that of the invariant it serves:
//   R1  check-appends (one send), verify I7 (torn)            R7  check-positions; check-agents I15
//   R2  verify I7 and I14 (each once, in order, all), R2      R8  verify I11 (time of facts, deadlines), checkDecisions I6
//       check-dead-letters                                    R9  verify I1 and I17 (ids, instances), check-never I4
//   R3  verify's own epoch filter, I7 (checkpoints), I6       R10 checkRestores
//   R4  check-takes; check-appends I2                         R11 check-answers; halts of processes
//   R5  check-takes                                           R12 check-answers; verify I4 and I16
//   R6  check-takes

import { hash } from 'node:crypto';
import type { Fact } from '../../../schemas/generated/events.js';
import type { TopicName } from '../../../topics/topics.js';
import type { Recorded, RecordedClaim, RecordedFact } from '../../../replay/read-partition.js';
import { redecide } from '../../../replay/redecide.js';
import type { PartitionState } from '../../blackboard/board.js';
import { emptyPartition } from '../../orchestrator/evolve.js';
import type { Decoded } from '../../runtime/codec/event-codec.js';
import type { LogRecord } from '../../runtime/log/port.js';
import { PartitionAudit } from '../../verify/audit-partition.js';
import { Findings, shownRecord } from '../../verify/findings.js';
import { codec, topics } from './blackboard-of-seed.js';
import { findAnomalies } from '../anomalies/find-anomalies.js';
import { simulatedHistory } from '../anomalies/simulated-history.js';
import { checkAgents } from './check-agents.js';
import { checkAnswers } from './check-answers.js';
import { checkAppends } from './check-appends.js';
import { checkDeadLetters } from './check-dead-letters.js';
import { checkPositions } from './check-positions.js';
import { checkTakes } from './check-takes.js';
import { lateSchema } from './late-schema.js';
import type { Violation } from './run-seed.js';
import { stateHash } from '../../orchestrator/state-hash.js';
import type { SeenRestore } from './simulated-snapshots.js';
import type { World } from './world.js';

export interface RunFacts {
  readonly never: ReadonlySet<string>;
  readonly isAtRest: boolean;
}

export interface Checked {
  readonly violations: readonly Violation[];
  readonly reached: Readonly<Record<string, number>>;
  readonly counts: { readonly facts: number; readonly claims: number; readonly jobs: number };
}

/** A verified record with what the filter says of it. */
export interface FactAt {
  readonly record: LogRecord;
  readonly fact: Fact;
  readonly counts: boolean;
}

export function checkRun(world: World, { never, isAtRest }: RunFacts): Checked {
  const violations: Violation[] = [];
  const reached: Record<string, number> = {};
  const counts = { facts: 0, claims: 0, jobs: 0 };
  const add = (invariant: string, what: string, records: readonly string[] = []): void => { violations.push({ invariant, what, records }); };
  for (const halt of world.halts) add('halt', halt);
  if (!isAtRest) add('live', 'the healed run did not come to rest', unrest(world));
  for (let partition = 0; partition < world.partitions; partition += 1) {
    const facts = readFacts(world, partition);
    const claims = readAll(world, topics.quarantine, partition);
    audit(world, { partition, facts, claims, isAtRest }, add, counts);
    checkNever(facts, claims, never, add);
    checkRows(world, partition, facts, add);
    checkPositions(world, partition, facts, add);
    checkAgents(world, { partition, facts, claims }, add);
    checkDeadLetters(world, partition, facts, add);
    for (const [topic, records] of [[topics.quarantine, claims], [topics.verified, facts.map((at) => at.record)]] as const) {
      for (const { name, place, what } of findAnomalies(simulatedHistory(world.history, { topic, partition }, records))) add('log', `${name} in ${place}: ${what}`);
    }
    checkAnswers(world, { facts, claims }, add);
    checkAppends(world.history, { partition, facts, claims }, add);
    checkTakes(world.history, partition, add);
    checkDecisions(world, { partition, facts, claims }, add);
    count(facts, reached);
  }
  for (const { base } of world.snapshots?.restores ?? []) reached[`restored:${base}`] = (reached[`restored:${base}`] ?? 0) + 1;
  for (const [fault, times] of world.snapshots?.faults ?? []) reached[`snapshot:${fault}`] = times;
  const renewals = world.history.entries.filter(({ batch, outcome }) => outcome === 'acknowledged' && batch.records.length === 2 && codec.peek(batch.records[0]?.value ?? noDigest)?.type === 'EpochStarted').length;
  if (renewals > 0) reached['epoch:renewed'] = renewals;
  for (const [reason, times] of world.gateway.refused) reached[`gateway:${reason}`] = times;
  if (codec.knows(lateSchema.id)) reached['schema:learnt'] = 1;
  for (const problem of world.tables.problems) add('I12', problem);
  for (const [job, rows] of world.tables.jobs) if (isAtRest && (rows.accepted !== 1 || rows.ended !== 1)) add('I12', `the rows of job ${job} show ${rows.accepted} acceptances and ${rows.ended} ends`);
  return { violations, reached, counts };
}

type Add = (invariant: string, what: string, records?: readonly string[]) => void;

export function readAll({ store }: World, topic: TopicName, partition: number): readonly LogRecord[] {
  return store.slice({ topic, partition, from: 0, until: store.range(topic, partition).next, bytesMax: Infinity });
}

export function readFacts(world: World, partition: number): readonly FactAt[] {
  let epoch = -1;
  return readAll(world, topics.verified, partition).map((record) => {
    const fact = codec.decodeFact(record.value) as Fact;
    if (fact.type === 'EpochStarted') epoch = record.offset;
    return { record, fact, counts: fact.type === 'EpochStarted' || fact.epoch === epoch };
  });
}

interface Partition {
  readonly partition: number;
  readonly facts: readonly FactAt[];
  readonly claims: readonly LogRecord[];
}

function audit(world: World, { partition, facts, claims, isAtRest }: Partition & { readonly isAtRest: boolean }, add: Add, counts: { facts: number; claims: number; jobs: number }): void {
  const findings = new Findings();
  const one = new PartitionAudit(partition, { codec, keyring: world.scenario.keyring, partitions: world.partitions, findings });
  for (const record of claims) one.addClaim(record);
  for (const { record, fact } of facts) one.addFact(record, fact);
  const { openJobs, undecided } = one.finish();
  for (const finding of findings.kept) add(finding.invariant, finding.what, finding.records);
  if (isAtRest && openJobs.length > 0) add('I1', `${openJobs.length} jobs have no terminal`, openJobs.map((job) => shownRecord(job.record)));
  if (isAtRest && undecided > 0) add('I14', `${undecided} claims have no decision in partition ${partition}`);
  counts.facts += one.figures.facts;
  counts.claims += one.figures.claims;
  counts.jobs += one.figures.accepted;
}

/** I4: what the adversary sent under false pretences became a refusal or a dead letter, and nothing else. */
function checkNever(facts: readonly FactAt[], claims: readonly LogRecord[], never: ReadonlySet<string>, add: Add): void {
  if (never.size === 0) return;
  const last = new Map<number, FactAt>();
  for (const at of facts) if (at.counts && at.fact.cause >= 0) last.set(at.fact.cause, at);
  for (const record of claims) {
    const end = last.get(record.offset);
    if (end === undefined || !never.has(codec.digestHex(record.value))) continue;
    if (end.fact.type !== 'ClaimRefused' && end.fact.type !== 'ClaimDeadLettered') add('I4', `a forged claim led to ${end.fact.type}`, [shownRecord(record), shownRecord(end.record, end.fact)]);
  }
}

/** I12: one row per record, stale ones marked, none beyond. */
function checkRows({ tables }: World, partition: number, facts: readonly FactAt[], add: Add): void {
  const until = tables.positions.get(partition)?.offset ?? 0;
  const rows = tables.rows.get(partition);
  if ((rows?.size ?? 0) !== until) add('I12', `partition ${partition} has ${rows?.size ?? 0} rows up to offset ${until}`);
  for (const { record, fact, counts } of facts.slice(0, until)) {
    const row = rows?.get(record.offset);
    if (row === undefined) add('I12', 'a record has no row', [shownRecord(record, fact)]);
    else if (row.stale === counts || row.eventType !== fact.type || row.digest !== codec.digestHex(record.value)) add('I12', `a row says ${row.eventType}, stale ${row.stale}`, [shownRecord(record, fact)]);
  }
}

/** I6: each decision taken again yields the recorded bytes, and the fold from the beginning is what the owner holds. */
function checkDecisions(world: World, { partition, facts, claims }: Partition, add: Add): void {
  const state = emptyPartition(partition);
  const { contracts, keyring } = world.scenario;
  const restores = world.snapshots?.restores.filter((one) => one.partition === partition) ?? [];
  for (const entry of recordedOf(facts, claims)) {
    const { divergence } = redecide(state, entry, { codec, contracts, partitions: world.partitions, keyring });
    if (entry.kind === 'bare' && entry.at.fact.type === 'EpochStarted') checkRestores(restores.filter(({ epoch }) => epoch === entry.at.record.offset), state, add);
    if (divergence === null) continue;
    add('I6', `taken again, a decision differs: ${JSON.stringify(divergence)}`, [shownRecord({ topic: topics.verified, partition, offset: divergence.verifiedOffset })]);
    return;
  }
  for (const place of world.places) {
    for (const owned of place.orchestrator?.partitions() ?? []) {
      if (owned.partition === partition && owned.state !== null && owned.state.epoch === state.epoch && stateHash(owned.state) !== stateHash(state)) add('I6', `the owner of partition ${partition} holds another state than its log folds to`);
    }
  }
}

/** R10: whatever an owner read its state from, it held what the whole log folds to. */
function checkRestores(restores: readonly SeenRestore[], state: PartitionState, add: Add): void {
  if (restores.length === 0) return;
  const hash = stateHash(state);
  for (const restored of restores) if (restored.hash !== hash) add('R10', `the owner of epoch ${restored.epoch} of partition ${restored.partition}, restored from its ${restored.base}, held another state than the whole log folds to`);
}

/** What counts of a partition, as replay takes it: decisions with the claim that each was taken on. */
function recordedOf(facts: readonly FactAt[], claims: readonly LogRecord[]): readonly Recorded[] {
  const recorded: Recorded[] = [];
  let open: { cause: number; facts: RecordedFact[] } | null = null;
  let markerDigest: Buffer = noDigest;
  for (const { record, fact, counts } of facts) {
    if (!counts) continue;
    const at = { record, fact, writerFields: null };
    if (fact.cause >= 0 && open?.cause === fact.cause) {
      open.facts.push(at);
      continue;
    }
    open = fact.cause < 0 ? null : { cause: fact.cause, facts: [at] };
    if (fact.type === 'EpochStarted') markerDigest = codec.digest(record.value);
    if (open === null) recorded.push({ kind: 'bare', at, markerDigest });
    else {
      const claim = claims[fact.cause];
      recorded.push({ kind: 'decision', ...open, claim: claim === undefined ? null : new ClaimAt(claim) });
    }
  }
  return recorded;
}

/** The digest of its raw bytes is asked for only where they could not be read. */
class ClaimAt implements RecordedClaim {
  readonly decoded: Decoded;
  readonly digest: Buffer;

  constructor(readonly record: LogRecord) {
    this.decoded = codec.decode(record.value);
    this.digest = codec.digest(record.value);
  }

  get rawDigest(): Buffer {
    return hash('sha256', this.record.value, 'buffer');
  }
}

/** Before the first marker. */
const noDigest = Buffer.alloc(0);

function unrest({ places, store, partitions, tables }: World): readonly string[] {
  const owners = places.flatMap((place) => (place.orchestrator?.partitions() ?? []).map((one) => `${place.process.name}: partition ${one.partition} ${one.phase}, cursor ${one.cursor}, ${one.openJobs} open jobs`));
  const ends = Array.from({ length: partitions }, (_, partition) => `partition ${partition}: ${store.range(topics.quarantine, partition).next} claims, ${store.range(topics.verified, partition).next} facts, ${tables.positions.get(partition)?.offset ?? 0} projected`);
  return [...owners, ...ends];
}

/** What was reached at least once, over many seeds: the sometimes-assertions. */
function count(facts: readonly FactAt[], reached: Record<string, number>): void {
  const note = (what: string): void => { reached[what] = (reached[what] ?? 0) + 1; };
  const accepted = new Set<string>();
  let policyVersion = '';
  for (const { fact, counts } of facts) {
    if (!counts) { note('fact:stale'); continue; }
    note(`type:${fact.type}`);
    if (fact.type === 'ClaimRefused') note(`refused:${fact.reason}`);
    if (fact.type === 'ClaimDeadLettered') note(`dead-letter:${fact.reason}`);
    if (fact.type === 'AttemptFailed') note(`failed:${fact.reason}`);
    if (fact.type === 'ClaimParked') note(`parked:${fact.reason}`);
    if (fact.type === 'JobAccepted') {
      if (accepted.has(fact.job)) note('job:second-life');
      accepted.add(fact.job);
    }
    if (fact.type === 'Checkpointed') {
      if (policyVersion !== '' && policyVersion !== fact.policyVersion) note('policy:changed');
      policyVersion = fact.policyVersion;
      if (!fact.policy.includes('"olderWorkflows":{}')) note('policy:older-workflow');
    }
    if (fact.type === 'JobEnded') note(`outcome:${fact.outcome}`);
    if (fact.type === 'StepFailed') note(fact.escalated ? 'step:escalated' : 'step:failed-not-required');
    if (fact.type === 'StepRequested' && fact.attempt > 1) note('step:retried');
  }
}
