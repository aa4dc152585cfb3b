import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../../schemas/generated/events.js';
import { writeAuditRow } from './audit-copy.js';
import { writeArray, writeRow, type ColumnType } from './binary-arrays.js';
import { BinaryWriter } from './binary-writer.js';
import { auditColumns, columnArrays } from './columns.js';
import { mergeArtifactChanges, mergeJobChanges } from './merge-changes.js';
import { project } from './project.js';
import type { RecordAt } from './rows.js';
import { factTypes, jobFacts, sampleFact, sampleJob } from './testing/sample-facts.js';

const at: RecordAt = { topic: 't', partition: 3, offset: 40, appendTimeMs: 1_760_000_001_000, digest: 'ab'.repeat(32) };

const written = (write: (writer: BinaryWriter) => void): Buffer => {
  const writer = new BinaryWriter(8);
  write(writer);
  return writer.since(0);
};
const arrayOf = (type: ColumnType, value: number): Buffer => writeArray(new BinaryWriter(8), { type, of: (of: number) => of }, [value]);

for (const type of factTypes) {
  test(`gives a ${type} exactly one audit row that names its coordinates and its cause`, () => {
    const { audit } = project(sampleFact(type), at, false);
    assert.equal(audit.eventType, type);
    assert.deepEqual([audit.topic, audit.partition, audit.offset, audit.tsMs, audit.digest], ['t', 3, 40, 1_760_000_001_000, at.digest]);
    assert.deepEqual([audit.epoch, audit.cause, audit.causation, audit.signer, audit.policyVersion, audit.workflowVersion], [0, 12, 'q/0/12', 'researcher#k1', 'p1', 'w1']);
    assert.deepEqual([audit.job, audit.instance, audit.step, audit.attempt], [sampleJob, 5, 'research', 1]);
    assert.equal(typeof JSON.parse(audit.detail), 'object');
  });

  test(`writes the row of a ${type} as the columns say`, () => {
    const { audit } = project(sampleFact(type), at, false);
    assert.deepEqual(written((writer) => writeAuditRow(writer, audit)), written((writer) => writeRow(writer, auditColumns, audit)));
  });

  test(`a stale ${type} has a marked row and changes nothing else`, () => {
    const changes = project(sampleFact(type), at, true);
    assert.equal(changes.audit.stale, true);
    assert.equal(changes.job, null);
    assert.deepEqual(changes.artifacts, []);
  });

  test(`a ${type} full of hostile text and numbers still has a row that Postgres can hold`, () => {
    const hostile = (value: unknown): unknown => {
      if (typeof value === 'string') return `a\0b\uD800"\\{},${'x'.repeat(9_000)}`;
      if (Array.isArray(value)) return value.map(hostile);
      if (Buffer.isBuffer(value) || value === null) return value;
      if (typeof value === 'object') return Object.fromEntries(Object.entries(value as object).map(([key, member]) => [key, hostile(member)]));
      return value;
    };
    const fact = { ...(hostile(sampleFact(type)) as Fact), type } as Fact;
    const changes = project(fact, at, false);
    const text = JSON.stringify([changes.audit, changes.job, changes.artifacts]);
    assert.ok(!text.includes('\\u0000') && !text.includes('\\ud800'), 'no NUL and no lone surrogate');
    for (const column of [changes.audit.node, changes.audit.tenant, changes.audit.job, changes.audit.agent, changes.audit.step]) assert.ok((column ?? '').length <= 256);
    assert.equal(columnArrays(new BinaryWriter(), auditColumns, [changes.audit]).length, auditColumns.length);
  });
}

test('names the agent as the node of facts about its work, and the orchestrator otherwise', () => {
  const nodes = Object.fromEntries(factTypes.map((type) => [type, project(sampleFact(type), at, false).audit.node]));
  const ofAgents = Object.keys(nodes).filter((type) => nodes[type] === 'researcher');
  assert.deepEqual(ofAgents.sort(), ['ArtifactRejected', 'ArtifactVerified', 'AttemptFailed', 'ClaimDeadLettered', 'ClaimParked', 'ClaimRefused', 'StepCompleted', 'StepFailed']);
  assert.ok(Object.values(nodes).every((node) => node === 'researcher' || node === 'orchestrator'));
});

test('does not count a claim as the work of the agent that it names when its signature was not valid', () => {
  assert.equal(project(sampleFact('ClaimRefused', { authentic: false }), at, false).audit.node, 'orchestrator');
});

test('keeps score, latency, cost, fallback, edge, model and hashes where the fact has them', () => {
  const { audit } = project(sampleFact('ArtifactRejected'), at, false);
  assert.deepEqual([audit.rubricScore, audit.latencyMs, audit.costMicros, audit.fallbackTaken, audit.edgeLabel, audit.model, audit.reason], [0.5, 260, 1_100, 'pick_fallback', 'verify→reject', 'model-1', 'quote-not-found']);
  assert.match(audit.outputHash ?? '', /^[0-9a-f]{64}$/);
  assert.match(project(sampleFact('StepRequested'), at, false).audit.inputHash ?? '', /^[0-9a-f]{64}$/);
  const ended = project(sampleFact('JobEnded'), at, false);
  assert.equal(ended.audit.outputHash, ended.job?.ended?.resultHash);
});

test('shows no bytes of a body in an audit row', () => {
  for (const type of ['ArtifactVerified', 'JobEnded'] as const) assert.doesNotMatch(project(sampleFact(type), at, false).audit.detail, /it is so|# Brief|"bytes"/);
});

test('puts a candidate into quarantine without bytes, and a verified artifact beside it with them', () => {
  const [waiting] = project(sampleFact('VerificationRequested'), at, false).artifacts;
  assert.deepEqual([waiting?.namespace, waiting?.state, waiting?.body, waiting?.reason], ['quarantine', 'waiting', null, null]);
  const [rejected] = project(sampleFact('ArtifactRejected'), at, false).artifacts;
  assert.deepEqual([rejected?.namespace, rejected?.state, rejected?.body, rejected?.reason], ['quarantine', 'rejected', null, 'quote-not-found']);
  const [verified] = project(sampleFact('ArtifactVerified'), at, false).artifacts;
  assert.deepEqual([verified?.namespace, verified?.state, verified?.body?.toString()], ['verified', 'verified', '{"claim":"it is so"}']);
});

test('lets what an unjudged claim says touch no row of a job', () => {
  for (const type of ['ClaimRefused', 'ClaimParked', 'ClaimDeadLettered', 'TickObserved', 'EpochStarted', 'Checkpointed', 'PolicyAdopted'] as const) {
    assert.equal(project(sampleFact(type), at, false).job, null);
  }
});

test('merges the changes of a job into one, with its acceptance, its ending and its counts', () => {
  const changes = jobFacts(8, 0).map((fact, index) => project(fact, { ...at, offset: index }, false));
  const [job, ...others] = mergeJobChanges(changes);
  assert.deepEqual(others, []);
  assert.equal(job?.accepted?.idempotencyKey, 'order-8');
  assert.equal(job?.ended?.resultBody?.toString(), '# Brief 8');
  assert.equal(job?.lastOffset, 10);
  assert.deepEqual(job?.added, { costMicros: 4_900, attemptsRequested: 2, attemptsFailed: 1, verificationsRequested: 2, stepsCompleted: 1, stepsFailed: 0, artifactsVerified: 1, artifactsRejected: 1 });
  const artifacts = mergeArtifactChanges(changes);
  assert.deepEqual(artifacts.map((artifact) => [artifact.attempt, artifact.state]), [[1, 'rejected'], [2, 'waiting'], [2, 'verified']]);
  assert.equal(artifacts[0]?.confidence, 0.9, 'what the verdict does not say stays as the candidate said it');
});

test('writes times beyond what a database can say as the last that it can', () => {
  const last = arrayOf('timestamptz', 253_402_300_799_999);
  assert.deepEqual(arrayOf('timestamptz', Number.MAX_SAFE_INTEGER), last);
  assert.equal(last.readBigInt64BE(last.length - 8), (253_402_300_799_999n - 946_684_800_000n) * 1000n);
});

test('writes whole numbers of either sign in 64 bits', () => {
  for (const value of [0, 1, -1, 4_294_967_296, -4_294_967_297, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    const array = arrayOf('bigint', value);
    assert.equal(array.readBigInt64BE(array.length - 8), BigInt(value));
  }
});
