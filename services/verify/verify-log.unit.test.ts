import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { decidedAgain } from '../../replay/take-again.js';
import type { Checkpointed, Fact } from '../../schemas/generated/events.js';
import { jobId } from '../blackboard/ids.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import type { LogRecord } from '../runtime/log/port.js';
import { codec, contracts, keyring, topics } from '../testing/simulation/blackboard-of-seed.js';
import { playSeed } from '../testing/simulation/run-seed.js';
import { PartitionAudit } from './audit-partition.js';
import { parseHistory, type HistoryEntry } from './client-history.js';
import { Findings, type InvariantName } from './findings.js';
import { explainText, verifyJson, verifyText } from './render.js';
import { verifyLog, type VerifyOptions, type VerifyReport } from './verify-log.js';

/** The records of an honest run with plans, retries, refusals and two or more epochs. */
const records: LogRecord[] = [];
let partitions = 0;

type Change = (fact: Fact, record: LogRecord) => Partial<Record<string, unknown>> | null;

/** The run's log with its first fact that `change` takes changed, and whatever `more` appends. */
async function tampered(change: Change, more: { readonly key?: string; readonly append?: (store: MemoryLogStore) => void } = {}, how: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  const store = new MemoryLogStore({ topics: [topics.quarantine, topics.verified].map((name) => ({ name, partitions })), clock: () => timeMs });
  let timeMs = 0;
  const epochs = new Map<number, number>();
  let isChanged = more.append !== undefined;
  for (const record of records) {
    const { topic, partition, key, appendTimeMs } = record;
    timeMs = appendTimeMs;
    let { value } = record;
    let ownKey = key;
    if (topic === topics.verified && !isChanged) {
      const fact = codec.decodeFact(value) as Fact;
      if (fact.type === 'EpochStarted') epochs.set(partition, record.offset);
      // What was sent under an epoch that is over says nothing, changed or not.
      const changed = fact.type === 'EpochStarted' || fact.epoch === epochs.get(partition) ? change(fact, record) : null;
      if (changed !== null) {
        isChanged = true;
        value = codec.encode({ ...fact, ...changed } as Fact);
        ownKey = more.key === undefined ? key : Buffer.from(more.key);
      }
    }
    store.write({ topic, partition, records: [{ key: ownKey, value }] });
  }
  assert.ok(isChanged, 'the run has a fact to change');
  more.append?.(store);
  const log = store.open();
  return verifyLog({
    log, topics, codec, keyring, isAtRest: true, again: decidedAgain({ log, topics, codec }, { contracts, keyring }), ...how,
  });
}

function failed({ rows }: VerifyReport): readonly InvariantName[] {
  return rows.filter(({ result }) => result === 'FAIL').map(({ invariant }) => invariant);
}

const of = <T extends Fact['type']>(type: T, changed: (fact: Fact & { type: T }) => Partial<Record<string, unknown>> | null): Change => (fact) => (fact.type === type ? changed(fact as Fact & { type: T }) : null);
/** Taking a decision again sees any changed byte; these have a checker of their own besides. */
const planted: readonly (readonly [InvariantName, string, Change])[] = [
  ['I3', 'an input that was never verified', of('StepRequested', ({ inputs }) => (inputs.length === 0 ? null : { inputs: inputs.map((input) => ({ ...input, body: { hash: 'd'.repeat(64), size: 1, encoding: 'reference', bytes: Buffer.alloc(0) } })) }))],
  ['I4', 'a fact that denies the signature of its cause', of('PlanExpanded', () => ({ authentic: false }))],
  ['I5', 'evidence that nobody was given', of('ArtifactVerified', ({ evidence }) => (evidence.length === 0 ? null : { evidence: evidence.map((one) => ({ ...one, reference: 'd'.repeat(64) })) }))],
  ['I7', 'a checkpoint with another cursor', of('Checkpointed', ({ cursor }: Checkpointed) => (cursor < 0 ? null : { cursor: cursor - 1 }))],
  ['I10', 'an end that says another cost than its facts', of('JobEnded', ({ costMicros }) => ({ costMicros: costMicros + 1 }))],
  ['I11', 'a fact with another time', of('PlanExpanded', ({ atMs }) => ({ atMs: atMs + 1 }))],
  ['I13', 'a decision on another claim', (fact) => (fact.type === 'StepCompleted' || fact.causeDigest.length === 0 || fact.cause < 0 ? null : { causeDigest: Buffer.alloc(32) })],
  ['I16', "a fact that names another tenant", of('StepCompleted', () => ({ tenant: 'initech' }))],
  ['I17', 'a fact without a policy', of('StepCompleted', () => ({ policyVersion: '' }))],
  ['I18', 'a retry before its time', of('AttemptFailed', ({ retryAtMs }) => (retryAtMs < 0 ? null : { retryAtMs: retryAtMs + 1_000 }))],
];

function strange(key: string): Pick<HistoryEntry, 'job' | 'tenant' | 'key'> {
  return { job: jobId('acme', key), tenant: 'acme', key };
}

describe('the verification of a log', () => {
  before(async () => {
    const { world } = await playSeed(2);
    partitions = world.partitions;
    for (const topic of [topics.quarantine, topics.verified]) {
      for (let partition = 0; partition < partitions; partition += 1) records.push(...world.store.slice({ topic, partition, from: 0, until: world.store.range(topic, partition).next, bytesMax: Infinity }));
    }
  });

  it('passes an honest log, and says what it looked at', async () => {
    const report = await tampered(of('EpochStarted', () => ({})));
    assert.deepEqual(failed(report), []);
    assert.ok(report.ok && report.figures.facts > 300 && report.figures.decisions > 100 && report.figures.openJobs === 0);
    assert.match(verifyText(report), /^I1 {3}PASS .*\n/);
    assert.match(verifyText(report), /I12 +NOT CHECKED .*no database was given/);
    assert.ok(verifyText(report, 60).split('\n').every((line) => line.length <= 60), 'fits a narrow terminal');
    assert.equal((JSON.parse(verifyJson(report)) as VerifyReport).ok, true);
  });

  for (const [invariant, what, change] of planted) {
    it(`finds ${what} (${invariant}), and names the record`, async () => {
      const report = await tampered(change);
      assert.deepEqual(failed(report).filter((name) => name !== 'I6'), [invariant]);
      assert.equal(report.ok, false);
      const finding = report.rows.find((row) => row.invariant === invariant)?.findings[0];
      assert.match(finding?.records[0] ?? '', new RegExp(`^bb\\.(verified|quarantine)/\\d+/\\d+`));
    });
  }

  it('finds a decision that would be taken otherwise (I6), where nothing else does', async () => {
    assert.deepEqual(failed(await tampered(of('StepCompleted', () => ({ edgeLabel: 'another word' })))), ['I6']);
  });

  it('fails where a decision differed, also when nobody can say afterwards in what (I6)', async () => {
    const again = { begin: () => ({ add: () => undefined, finish: () => ({ decisions: 1, differs: true }) }), explain: () => Promise.resolve([]) };
    assert.deepEqual(failed(await tampered(of('EpochStarted', () => ({})), {}, { again })), ['I6']);
  });

  it('finds a fact under a foreign key (I15)', async () => {
    assert.deepEqual(failed(await tampered(of('StepCompleted', () => ({})), { key: 'f'.repeat(32) })).filter((name) => name !== 'I6'), ['I15']);
  });

  it('finds a second end of a job (I1)', async () => {
    const last = records.filter(({ topic, partition }) => topic === topics.verified && partition === 0).map(({ value }) => codec.decodeFact(value) as Fact);
    const end = last.find((fact) => fact.type === 'JobEnded') as Fact;
    const { epoch, cause, causation, atMs, signer, authentic } = last.at(-1) as Fact;
    const report = await tampered(() => null, { append: (store) => {
      store.write({ topic: topics.verified, partition: 0, records: [{ key: Buffer.from(end.job), value: codec.encode({ ...end, epoch, cause, causation, atMs, signer, authentic, causeDigest: Buffer.alloc(0) }) }] });
    } });
    assert.deepEqual(failed(report).filter((name) => name !== 'I6'), ['I1']);
  });

  it('finds a claim without a decision where nothing is under way (I14)', async () => {
    const claim = records.find(({ topic, partition }) => topic === topics.quarantine && partition === 0) as LogRecord;
    const report = await tampered(() => null, { append: (store) => { store.write({ topic: topics.quarantine, partition: 0, records: [claim] }); } });
    assert.deepEqual(failed(report), ['I14']);
  });

  it('holds what clients were told against the log (I2), and nothing else', async () => {
    const claims = records.flatMap((record): HistoryEntry[] => {
      const decoded = record.topic === topics.quarantine ? codec.decode(record.value) : null;
      if (decoded === null || !decoded.ok || decoded.event.type !== 'JobSubmitted') return [];
      const { job, tenant, idempotencyKey: key } = decoded.event;
      return jobId(tenant, key) === job ? [{ job, tenant, key, outcome: 'acked', partition: record.partition, offset: record.offset }] : [];
    });
    const accepted = new Set(records.flatMap((record) => {
      const fact = record.topic === topics.verified ? codec.decodeFact(record.value) as Fact : null;
      return fact?.type === 'JobAccepted' ? [`${record.partition}/${fact.cause}`] : [];
    }));
    const told = async (history: readonly HistoryEntry[]): Promise<VerifyReport> => tampered(of('EpochStarted', () => ({})), {}, { history: parseHistory(history.map((entry) => JSON.stringify(entry)).join('\n')) });
    const honest = await told(claims);
    assert.deepEqual(failed(honest), []);
    assert.match(honest.rows.find(({ invariant }) => invariant === 'I2')?.figures ?? '', new RegExp(`^${claims.length} submissions$`));
    const one = claims.find(({ job, partition, offset }) => accepted.has(`${partition}/${offset}`) && claims.filter((other) => other.job === job).length === 1) as HistoryEntry;
    const others = claims.filter(({ job }) => job !== one.job);
    assert.deepEqual(failed(await told([...others, { ...one, offset: 1_000_000 }])), ['I2'], 'lost behind the end');
    assert.deepEqual(failed(await told([...others, { ...one, offset: others.find(({ partition }) => partition === one.partition)?.offset ?? 0 }])), ['I2'], 'another record stands there');
    assert.deepEqual(failed(await told([{ ...one, ...strange('lost'), outcome: 'acked' }, ...claims])), ['I2'], 'two jobs at one place, one of them lost');
    assert.deepEqual(failed(await told([one, ...claims])), [], 'the same answer twice');
    assert.deepEqual(failed(await told([...others, { ...one, outcome: 'refused', partition: null, offset: null }])), ['I2'], 'refused, and accepted');
    assert.deepEqual(failed(await told([...others, { ...one, outcome: 'unknown', partition: null, offset: null }])), [], 'unknown, and in once');
    assert.deepEqual(failed(await told([...claims, { ...one, ...strange('never-sent'), outcome: 'unknown', partition: null, offset: null }, { ...one, ...strange('not-taken'), outcome: 'refused', partition: null, offset: null }])), [], 'out');
  });

  it('refuses a history that is none, by its line', () => {
    const entry = { ...strange('k'), outcome: 'acked', partition: 0, offset: 4 };
    assert.equal(parseHistory(`${JSON.stringify(entry)}\n\n`).length, 1);
    for (const bad of ['{', '{}', JSON.stringify({ ...entry, key: 'another' }), JSON.stringify({ ...entry, offset: null }), JSON.stringify({ ...entry, outcome: 'perhaps' })]) {
      assert.throws(() => parseHistory(`${JSON.stringify(entry)}\n${bad}`), { code: 'INPUT_INVALID', message: /^line 2 / });
    }
  });

  it('says of every invariant how its check is independent, and of those without a subject that they have none', async () => {
    const { rows } = await tampered(of('EpochStarted', () => ({})));
    assert.equal(rows.length, 18);
    for (const invariant of ['I8', 'I9']) assert.equal(rows.find((row) => row.invariant === invariant)?.result, '–');
    for (const { invariant } of rows) assert.match(explainText(100), new RegExp(`^${invariant} +\\S.*\n +checked by: `, 'm'));
  });

  it('refuses a log whose beginning is gone', async () => {
    const log = new MemoryLogStore({ topics: [topics.quarantine, topics.verified].map((name) => ({ name, partitions: 1 })) }).open();
    const ranges = (): Promise<readonly { partition: number; low: number; next: number }[]> => Promise.resolve([{ partition: 0, low: 5, next: 9 }]);
    await assert.rejects(verifyLog({ log: { read: (options) => log.read(options), ranges }, topics, codec }), { code: 'LOG_OUT_OF_RANGE' });
  });

  it('refuses a log with claims in partitions that have no facts', async () => {
    const log = new MemoryLogStore({ topics: [{ name: topics.quarantine, partitions: 2 }, { name: topics.verified, partitions: 1 }] }).open();
    await assert.rejects(verifyLog({ log, topics, codec }), { code: 'TOPOLOGY_DRIFT' });
  });

  it('remembers an ended job for as long as its id is taken, so that memory does not follow the log', () => {
    for (const [forgetAtMs, remembers] of [[Number.MAX_SAFE_INTEGER, true], [0, false]] as const) {
      const audit = new PartitionAudit(0, { codec, keyring, partitions, findings: new Findings() });
      for (const record of records.filter(({ topic, partition }) => topic === topics.quarantine && partition === 0)) audit.addClaim(record);
      for (const record of records.filter(({ topic, partition }) => topic === topics.verified && partition === 0)) {
        const fact = codec.decodeFact(record.value) as Fact;
        audit.addFact(record, fact.type === 'JobEnded' ? { ...fact, forgetAtMs } : fact);
      }
      assert.ok(audit.figures.ended > 0);
      assert.equal(audit.ended.size > 0, remembers);
    }
  });
});
