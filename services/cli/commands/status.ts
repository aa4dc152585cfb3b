import { examples, withServer, type AddCommand, type ServerOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { clientFor } from '../ingress-client.js';
import { answers, jobId, readAnswer, statusText } from '../job-views.js';
import { readNumber } from '../read-params.js';
import { jsonLine } from '../terminal.js';

export const addStatus: AddCommand = (program, context) => {
  const command = withServer(program.command('status'))
    .description('say what a job is doing, or why a submission was refused')
    .argument('<job>', 'job id, 32 hex digits')
    .option('--submission <offset>', 'what became of this very submission (its offset on quarantine)', readNumber('--submission', 0, Number.MAX_SAFE_INTEGER))
    .action(async (job: string, options: ServerOptions & { readonly submission?: number }) => {
      const raw = await clientFor(options, context.env).json(`/v1/jobs/${jobId(job)}${options.submission === undefined ? '' : `?submission=${options.submission}`}`, { signal: context.stopped });
      context.terminal.out(options.json === true ? jsonLine(raw) : statusText(readAnswer(answers.status, raw), context.terminal));
      context.finish(exitCodes.ok);
    });
  examples(command, [
    ['blackboard status 0f3b6a…', 'The newest life of a job'],
    ['blackboard status 0f3b6a… --submission 17', 'Why that submission was refused'],
  ]);
};
