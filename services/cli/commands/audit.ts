import { parseAuditEvent, type AuditEvent } from '../audit-event.js';
import { auditText } from '../audit-view.js';
import { examples, withServer, type AddCommand, type ServerOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { clientFor, type IngressClient } from '../ingress-client.js';
import { jobId } from '../job-views.js';
import { withProgress } from '../progress.js';
import { readNumber } from '../read-params.js';
import { jsonLine } from '../terminal.js';

interface AuditOptions extends ServerOptions {
  readonly limit?: number;
  readonly submission?: number;
}

export interface AuditRow { readonly event: AuditEvent; readonly raw: unknown }

export const addAudit: AddCommand = (program, context) => {
  const command = withServer(program.command('audit'))
    .description("print a job's audit rows: one per fact, in the order of the log")
    .argument('<job>', 'job id, 32 hex digits')
    .option('--limit <n>', 'the last so many', readNumber('--limit', 1, 1_000_000))
    .option('--submission <offset>', 'the life of the job that began with this submission', readNumber('--submission', 0, Number.MAX_SAFE_INTEGER))
    .action(async (job: string, options: AuditOptions) => {
      const read = readAuditRows(clientFor(options, context.env), jobId(job), { submission: options.submission, signal: context.stopped });
      const all = await withProgress(context.terminal, 'reading audit rows', () => read);
      const rows = options.limit === undefined ? all : all.slice(-options.limit);
      if (options.json === true) for (const { raw } of rows) context.terminal.out(jsonLine(raw));
      else context.terminal.out(auditText(rows.map(({ event }) => event), context.terminal));
      if (rows.length < all.length) context.terminal.err(`${all.length - rows.length} earlier rows are not shown\n`);
      context.finish(exitCodes.ok);
    });
  examples(command, [
    ['blackboard audit JOB', 'Everything that was decided about a job, and what caused it (q/partition/offset is the claim)'],
    ['blackboard audit JOB --json | jq \'select(.reason != null)\'', 'Only what was refused or failed'],
  ]);
};

/** A stream that says nothing for so long has told all that is committed. */
const quietMs = 700;

/** The rows that are committed now; of an open job, those so far. */
export async function readAuditRows(client: IngressClient, job: string, options: { readonly submission?: number | undefined; readonly signal: AbortSignal }): Promise<readonly AuditRow[]> {
  const rows: AuditRow[] = [];
  const quiet = new AbortController();
  let timer = setTimeout(() => undefined, 0);
  const signal = AbortSignal.any([options.signal, quiet.signal]);
  try {
    for await (const { type, data } of client.events(`/v1/jobs/${job}/events${options.submission === undefined ? '' : `?submission=${options.submission}`}`, signal)) {
      clearTimeout(timer);
      if (type === 'end') break;
      timer = setTimeout(() => quiet.abort(), quietMs);
      rows.push(parseAuditEvent(data));
    }
  } finally {
    clearTimeout(timer);
  }
  return rows;
}
