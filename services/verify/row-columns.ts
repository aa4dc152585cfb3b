// What the columns of an audit row must hold, as one text per row: Postgres makes it of the row, this file of the
// record. Written from the table's own comments, not from the projector.

import type { Fact } from '../../schemas/generated/events.js';
import type { LogRecord } from '../runtime/log/port.js';

interface RowOf {
  readonly record: LogRecord;
  readonly fact: Fact;
  readonly stale: boolean;
  readonly digest: Buffer;
}

type Value = string | number | boolean | null;
type Named = Readonly<Record<string, unknown>>;

const text = (value: string): Value => (value === '' ? null : value);
const own = (name: string) => ({ fact }: RowOf): Value => {
  const value = (fact as unknown as Named)[name];
  return typeof value === 'string' ? text(value) : typeof value === 'number' ? value : null;
};
const agentTypes: ReadonlySet<Fact['type']> = new Set(['ArtifactVerified', 'ArtifactRejected', 'AttemptFailed', 'StepCompleted', 'StepFailed']);
const chargeTypes: ReadonlySet<Fact['type']> = new Set(['ArtifactVerified', 'ArtifactRejected', 'AttemptFailed', 'StepCompleted']);

/** Column, how it is shown in SQL (default: as it is), and what it must be. */
const columns: readonly (readonly [string, string, (of: RowOf) => Value])[] = [
  ['digest', "encode(digest, 'hex')", ({ digest }) => digest.toString('hex')],
  ['event_type', '', ({ fact }) => fact.type],
  ['stale', '', ({ stale }) => stale],
  ['ts', '(extract(epoch FROM ts) * 1000)::bigint', ({ record }) => record.appendTimeMs],
  ['node', '', nodeOf],
  ['agent', '', own('agent')], ['agent_version', '', own('agentVersion')], ['tenant', '', own('tenant')], ['job', '', own('job')],
  ['instance', '', ({ fact }) => (fact.job !== '' && fact.instance >= 0 ? fact.instance : null)],
  ['step', '', own('step')], ['attempt', '', ({ fact }) => (fact.attempt > 0 ? fact.attempt : null)],
  ['model', '', own('modelId')], ['prompt_hash', '', own('promptHash')], ['policy_version', '', own('policyVersion')], ['workflow_version', '', own('workflowVersion')],
  ['input_hash', '', own('inputHash')],
  ['output_hash', '', ({ fact }) => (fact.type === 'ArtifactVerified' ? text(fact.body.hash) : fact.type === 'ArtifactRejected' ? text(fact.hash) : fact.type === 'JobEnded' ? text(fact.result.hash) : null)],
  ['rubric_score', '', own('rubricScore')], ['latency_ms', '', own('latencyMs')],
  ['cost_micros', '', (of) => (chargeTypes.has(of.fact.type) ? own('costMicros')(of) : null)],
  ['fallback_taken', '', own('fallbackTaken')], ['edge_label', '', own('edgeLabel')], ['reason', '', own('reason')],
  ['epoch', '', own('epoch')], ['cause', '', own('cause')], ['causation', '', own('causation')], ['correlation', '', own('correlation')], ['on_behalf_of', '', own('onBehalfOf')],
  ['signer', '', own('signer')], ['authentic', '', ({ fact }) => fact.authentic], ['trace', '', own('trace')],
];

const apart = '\x1f';
export const rowColumns: readonly string[] = columns.map(([name]) => name);
/** All columns of a row in one text: one value to fetch instead of thirty. */
export const textSql = `concat(${columns.map(([name, sql]) => (sql === '' ? name : sql)).join(", E'\\x1f', ")})`;

/** The same text from the record. */
export function columnsOf(record: LogRecord, fact: Fact, { stale, digest }: { readonly stale: boolean; readonly digest: Buffer }): string {
  const of = { record, fact, stale, digest };
  let all = '';
  for (const [, , value] of columns) all += (all === '' ? '' : apart) + shown(value(of));
  return all;
}

/** Null, or the index of the first column that differs where the texts do: numbers and texts have several ways to be written. */
export function sameColumns(row: string, wanted: string): number | null {
  const found = row.split(apart);
  const due = wanted.split(apart);
  // A text of the record itself that holds the separator: where its columns begin cannot be told.
  if (due.length !== columns.length) return null;
  if (found.length !== due.length) return columns.length;
  const at = due.findIndex((value, index) => !isSame(found[index] as string, value));
  return at < 0 ? null : at;
}

/** Members of a fact that have no column and must stand in `detail`, whatever else does. */
const detailed: Readonly<Record<Fact['type'], readonly string[]>> = {
  EpochStarted: ['owner'], Checkpointed: ['cursor', 'controlOffset', 'restoreFrom', 'restoreEpoch', 'timeMs', 'writtenAtMs'], TickObserved: ['timeMs'], PolicyAdopted: ['controlOffset'],
  JobAccepted: ['idempotencyKey', 'workflow', 'goal', 'submissionDigest', 'deadlineAtMs', 'costCapMicros'],
  StepRequested: ['contractOut', 'delivery', 'params', 'inputs', 'deadlineAtMs', 'variation', 'capability'],
  VerificationRequested: ['params', 'inputs', 'deadlineAtMs', 'capability', 'costMicros', 'candidates'],
  ArtifactVerified: ['artifactType', 'contract', 'body', 'producer', 'verifier', 'evidence', 'confidence', 'freshAtMs', 'refs'],
  ArtifactRejected: ['artifactType', 'contract', 'hash', 'size', 'producer', 'verifier', 'reasons'],
  AttemptFailed: ['reasons', 'retryAtMs'], StepCompleted: ['accepted', 'rejected'], StepFailed: ['attempts', 'escalated'], PlanExpanded: ['template', 'steps'],
  JobEnded: ['outcome', 'costMicros', 'resultType', 'resultContract', 'result'], ClaimRefused: ['claimType', 'closesAttempt', 'detail'], ClaimParked: ['claimType', 'detail'], ClaimDeadLettered: [],
};

/** Of those, what the schemas got later, with its default: no row may be changed, so those of the releases before stay without it. */
const added: { readonly [T in Fact['type']]?: Named } = { Checkpointed: { writtenAtMs: 0 } };

/** Whether a row's detail says what must be said of a fact, and nothing that the fact does not say. */
export function isDetailOf(told: unknown, fact: Fact): boolean {
  const isTold = (name: string): boolean => Object.hasOwn(told as Named, name) || isOlder(fact, name);
  return told !== null && typeof told === 'object' && detailed[fact.type].every(isTold) && says(told, fact);
}

/** Whether a member was added later, and the record says nothing of it. */
function isOlder(fact: Fact, name: string): boolean {
  const defaults = added[fact.type];
  return defaults !== undefined && Object.hasOwn(defaults, name) && defaults[name] === (fact as unknown as Named)[name];
}

/** Whether all that `told` says is said by `fact` under the same names; lists as long as they are there. */
function says(told: unknown, fact: unknown): boolean {
  if (told === null || typeof told !== 'object') return typeof told === 'string' ? isSame(told, String(fact)) : told === fact || (fact === undefined && told === null);
  if (fact === null || typeof fact !== 'object') return false;
  if (Array.isArray(told)) return Array.isArray(fact) && told.length === fact.length && told.every((one, index) => says(one, fact[index]));
  return Object.entries(told).every(([name, value]) => says(value, (fact as Named)[name]));
}

function nodeOf({ fact }: RowOf): Value {
  const service = 'orchestrator';
  if (agentTypes.has(fact.type)) return fact.agent || ('producer' in fact ? fact.producer : '') || service;
  return fact.authentic && (fact.type === 'ClaimRefused' || fact.type === 'ClaimParked' || fact.type === 'ClaimDeadLettered') ? fact.agent || service : service;
}

function shown(value: Value): string {
  return value === null ? '' : value === true ? 't' : value === false ? 'f' : typeof value === 'number' ? String(value) : value;
}

/** Equal as far as a projector leaves it as it is: it cuts what is longer, and mends what no table can store. */
function isSame(found: string, due: string): boolean {
  if (found === due) return true;
  if (found !== '' && due !== '' && Number(found) === Number(due)) return true;
  if (isStorable(due)) return isCut(found, due);
  if (!isStorable(due.slice(0, keptMax))) return true;
  return due.length > keptMax && found.slice(0, keptMax) === due.slice(0, keptMax);
}

/** Whether all that was found is the beginning of what is due, with a sign that it goes on. */
function isCut(found: string, due: string): boolean {
  if (found.length <= keptMax || found.length > due.length || !found.endsWith('…')) return false;
  const left = found.slice(0, -1);
  // A pair of surrogates that was cut through had to be mended.
  return due.startsWith(left) || (left.endsWith('\uFFFD') && isHighSurrogate(due, left.length - 1) && due.startsWith(left.slice(0, -1)));
}

function isHighSurrogate(value: string, at: number): boolean {
  const code = value.charCodeAt(at);
  return code >= 0xD800 && code <= 0xDBFF;
}

/** UTF-16 units of a text that no projector cuts. */
const keptMax = 200;

/** Postgres takes no NUL and no half of a surrogate pair; everything else is stored as it is. */
function isStorable(value: string): boolean {
  return /^[^\0\p{Cs}]*$/u.test(value);
}
