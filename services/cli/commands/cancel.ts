import { examples, withServer, type AddCommand, type ServerOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { clientFor } from '../ingress-client.js';
import { jobId } from '../job-views.js';
import { readNumber } from '../read-params.js';
import { jsonLine } from '../terminal.js';

export const addCancel: AddCommand = (program, context) => {
  const command = withServer(program.command('cancel'))
    .description('ask to end a job; it ends when the gate has judged the request')
    .argument('<job>', 'job id, 32 hex digits')
    .option('--reason <text>', 'kept with the request')
    .option('--submission <offset>', 'the life of the job that began with this submission', readNumber('--submission', 0, Number.MAX_SAFE_INTEGER))
    .action(async (job: string, options: ServerOptions & { readonly reason?: string; readonly submission?: number }) => {
      const body = options.reason === undefined ? {} : { reason: options.reason };
      const raw = await clientFor(options, context.env).json(`/v1/jobs/${jobId(job)}/cancel${options.submission === undefined ? '' : `?submission=${options.submission}`}`, { method: 'POST', body, signal: context.stopped });
      context.terminal.out(options.json === true ? jsonLine(raw) : `asked for; see it end with: blackboard watch ${job}\n`);
      context.finish(exitCodes.ok);
    });
  examples(command, [['blackboard cancel JOB --reason "wrong folder"', 'End a job that is not wanted any more']], 'Ends with 4 when the job has ended already, with 5 when its submission is not judged yet.');
};
