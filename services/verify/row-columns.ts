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
  if (found.length !== due.length) return isPlain(wanted) ? columns.length : null;
  const at = due.findIndex((value, index) => !isSame(found[index] as string, value));
  return at < 0 ? null : at;
}

/** Whether all that `told` says is said by `fact` under the same names; lists as long as they are there. */
export function says(told: unknown, fact: unknown): boolean {
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

/** Equal, or too strange or too long to be kept as it is: a projector cuts and cleans such text. */
function isSame(found: string, due: string): boolean {
  if (found === due) return true;
  if (found !== '' && due !== '' && Number(found) === Number(due)) return true;
  return !isPlain(due);
}

function isPlain(value: string): boolean {
  return value.length <= 200 && /^[\x1f-\x7e]*$/.test(value);
}
