import { Option } from 'commander';
import { examples, withServer, type AddCommand, type ServerOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { clientFor } from '../ingress-client.js';
import { answers, jobsText, readAnswer } from '../job-views.js';
import { readNumber } from '../read-params.js';
import { foreign, jsonLine } from '../terminal.js';

interface ListOptions extends ServerOptions {
  readonly state?: string;
  readonly limit: number;
  readonly before?: string;
}

export const addList: AddCommand = (program, context) => {
  const command = withServer(program.command('list'))
    .description('list jobs, newest first')
    .addOption(new Option('--state <state>', 'only these').choices(['open', 'ended', 'completed', 'failed', 'cancelled', 'degraded']))
    .option('--limit <n>', 'at most so many, up to 200', readNumber('--limit', 1, 200), 20)
    .option('--before <cursor>', 'the page after; the cursor is the "next" of the page before')
    .action(async (options: ListOptions) => {
      const query = new URLSearchParams({ limit: String(options.limit), ...(options.state === undefined ? {} : { state: options.state }), ...(options.before === undefined ? {} : { before: options.before }) });
      const raw = await clientFor(options, context.env).json(`/v1/jobs?${query.toString()}`, { signal: context.stopped });
      if (options.json === true) context.terminal.out(jsonLine(raw));
      else {
        const { jobs, next } = readAnswer(answers.list, raw);
        context.terminal.out(jobsText(jobs, context.terminal));
        if (next !== null) context.terminal.err(`more: --before ${foreign(next)}\n`);
      }
      context.finish(exitCodes.ok);
    });
  examples(command, [
    ['blackboard list --state open', 'What is under way'],
    ['blackboard list --state failed --limit 200 --json | jq -r .jobs[].job', 'Ids of what failed'],
  ]);
};
