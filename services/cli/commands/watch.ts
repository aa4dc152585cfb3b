import { examples, withServer, type AddCommand, type ServerOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { followJob } from '../follow-job.js';
import { clientFor } from '../ingress-client.js';
import { jobId } from '../job-views.js';
import { readNumber } from '../read-params.js';

export const addWatch: AddCommand = (program, context) => {
  const command = withServer(program.command('watch'))
    .description('follow a job live: its steps with state, attempt, agent, time and verdicts')
    .argument('<job>', 'job id, 32 hex digits')
    .option('--submission <offset>', 'the life of the job that began with this submission', readNumber('--submission', 0, Number.MAX_SAFE_INTEGER))
    .action(async (job: string, options: ServerOptions & { readonly submission?: number }) => {
      const timeline = await followJob({ client: clientFor(options, context.env), job: jobId(job), submission: options.submission, terminal: context.terminal, signal: context.stopped, json: options.json });
      if (timeline.end === null) return context.finish(context.stopped.aborted ? exitCodes.interrupted : exitCodes.unavailable);
      context.finish(timeline.end.outcome === 'completed' ? exitCodes.ok : exitCodes.failed);
    });
  examples(command, [
    ['blackboard watch JOB', 'Redrawn in place on a terminal, a line for each fact in a pipe'],
    ['blackboard watch JOB --json > rows.ndjson', 'Every committed audit row as NDJSON, until the job ends'],
  ], 'Shows committed rows only: what it shows is in the audit table. Ends with 0 when the job completed, 1 when it ended otherwise.');
};
