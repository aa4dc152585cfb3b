// The same as `auditColumns` say, written out: eleven rows of a small job go through here, more than through all else.

import type { BinaryWriter } from './binary-writer.js';
import { auditColumns } from './columns.js';
import type { AuditRow } from './rows.js';

const columns = auditColumns.length;

/** One row of a COPY into `audit_rows`, its columns in the order of `auditColumns`. */
export function writeAuditRow(writer: BinaryWriter, row: AuditRow): void {
  writer.int16(columns);
  writer.text(row.topic);
  writer.integer(row.partition);
  writer.bigint(row.offset);
  writer.timestamptz(row.tsMs);
  writer.boolean(row.stale);
  writer.text(row.eventType);
  writer.text(row.node);
  writer.text(row.agent);
  writer.text(row.agentVersion);
  writer.text(row.tenant);
  writer.text(row.job);
  writer.bigint(row.instance);
  writer.text(row.step);
  writer.integer(row.attempt);
  writer.text(row.model);
  writer.text(row.promptHash);
  writer.text(row.policyVersion);
  writer.text(row.workflowVersion);
  writer.text(row.inputHash);
  writer.text(row.outputHash);
  writer.double(row.rubricScore);
  writer.bigint(row.latencyMs);
  writer.bigint(row.costMicros);
  writer.text(row.fallbackTaken);
  writer.text(row.edgeLabel);
  writer.text(row.reason);
  writer.bigint(row.epoch);
  writer.bigint(row.cause);
  writer.text(row.causation);
  writer.text(row.correlation);
  writer.text(row.onBehalfOf);
  writer.text(row.signer);
  writer.boolean(row.authentic);
  writer.text(row.trace);
  writer.bytea(row.digest);
  writer.jsonb(row.detail);
}
