import { boardText } from '../board-view.js';
import { examples, withServer, type AddCommand, type ServerOptions } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { clientFor } from '../ingress-client.js';
import { answers, jobId, readAnswer } from '../job-views.js';
import { readNumber } from '../read-params.js';
import { jsonLine } from '../terminal.js';

export const addBoard: AddCommand = (program, context) => {
  const command = withServer(program.command('board'))
    .description('show both namespaces of a job side by side: what is a fact, what stayed in quarantine and why')
    .argument('<job>', 'job id, 32 hex digits')
    .option('--submission <offset>', 'the life of the job that began with this submission', readNumber('--submission', 0, Number.MAX_SAFE_INTEGER))
    .action(async (job: string, options: ServerOptions & { readonly submission?: number }) => {
      const raw = await clientFor(options, context.env).json(`/v1/jobs/${jobId(job)}/artifacts${options.submission === undefined ? '' : `?submission=${options.submission}`}`, { signal: context.stopped });
      context.terminal.out(options.json === true ? jsonLine(raw) : boardText(readAnswer(answers.artifacts, raw).artifacts, context.terminal));
      context.finish(exitCodes.ok);
    });
  examples(command, [['blackboard board JOB', 'Artifacts by reference: type, step, hash, who made and who checked them']], 'A refused body itself is shown to nobody but its producer and the verifier that was asked. Claims that were refused whole\n(a false signature, a late answer) are no artifacts: "blackboard audit JOB" has those of before the job\'s end, and why;\nall of them are in the view rejections (failure_playbook.md, C8).');
};
