import { auditText } from '../audit-view.js';
import { examples, withServer, type AddCommand, type ServerOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { clientFor } from '../ingress-client.js';
import { jobId } from '../job-views.js';
import { withProgress } from '../progress.js';
import { readAuditRows } from '../read-audit-rows.js';
import { readNumber } from '../read-params.js';
import { jsonLine } from '../terminal.js';

interface AuditOptions extends ServerOptions {
  readonly limit?: number;
  readonly submission?: number;
}

export const addAudit: AddCommand = (program, context) => {
  const command = withServer(program.command('audit'))
    .description("print a job's audit rows: one per fact, in the order of the log")
    .argument('<job>', 'job id, 32 hex digits')
    .option('--limit <n>', 'the last so many', readNumber('--limit', 1, 1_000_000))
    .option('--submission <offset>', 'the life of the job that began with this submission', readNumber('--submission', 0, Number.MAX_SAFE_INTEGER))
    .action(async (job: string, options: AuditOptions) => {
      const read = readAuditRows(clientFor(options, context.env), jobId(job), { submission: options.submission, signal: context.stopped });
      const { rows: all, isOpen } = await withProgress(context.terminal, 'reading audit rows', () => read);
      const rows = options.limit === undefined ? all : all.slice(-options.limit);
      if (options.json === true) for (const { raw } of rows) context.terminal.out(jsonLine(raw));
      else context.terminal.out(auditText(rows.map(({ event }) => event), context.terminal));
      if (rows.length < all.length) context.terminal.err(`${all.length - rows.length} earlier rows are not shown\n`);
      if (context.stopped.aborted) return context.finish(exitCodes.interrupted);
      if (isOpen) context.terminal.err('blackboard: the job is still open: these are its rows so far\n');
      context.finish(exitCodes.ok);
    });
  examples(command, [
    ['blackboard audit JOB', 'Everything that was decided about a job, and what caused it (q/partition/offset is the claim)'],
    ['blackboard audit JOB --json | jq \'select(.reason != null)\'', 'Only what was refused or failed'],
  ]);
};
