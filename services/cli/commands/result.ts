import { awaitResult, isCompleted } from '../await-result.js';
import { examples, withServer, type AddCommand, type CliContext, type ServerOptions } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { clientFor, type IngressClient } from '../ingress-client.js';
import { answers, jobId, readAnswer, statusText } from '../job-views.js';
import { readNumber } from '../read-params.js';
import { forTerminal } from '../../runtime/sanitize.js';
import { jsonLine } from '../terminal.js';

interface ResultOptions extends ServerOptions {
  readonly wait?: number | true;
  readonly markdown?: boolean;
  readonly submission?: number;
}

export const addResult: AddCommand = (program, context) => {
  const command = withServer(program.command('result'))
    .description('print the result of a job that has ended')
    .argument('<job>', 'job id, 32 hex digits')
    .option('--wait [seconds]', 'wait for the end; without a number, as long as it takes', readNumber('--wait', 0, 86_400))
    .option('--markdown', 'the result as Markdown only, where its contract has such a form')
    .option('--submission <offset>', 'the life of the job that began with this submission', readNumber('--submission', 0, Number.MAX_SAFE_INTEGER))
    .action((job: string, options: ResultOptions) => showResult({
      job: jobId(job), submission: options.submission, waitS: options.wait === true ? Infinity : options.wait ?? 0, isMarkdown: options.markdown === true, isJson: options.json === true,
    }, clientFor(options, context.env), context));
  examples(command, [
    ['blackboard result JOB --wait 30', 'Wait half a minute for the end'],
    ['blackboard result JOB --markdown > brief.md', 'The brief as a file, byte for byte'],
    ['blackboard result JOB --json | jq .result.value', 'For programs'],
  ], 'Ends with 0 when the job completed, 1 when it ended otherwise, 5 when it has not ended yet.');
};

export interface ResultRequest {
  readonly job: string;
  readonly submission?: number | undefined;
  readonly waitS: number;
  readonly isMarkdown: boolean;
  readonly isJson: boolean;
}

const charsMax = 1_000_000;

export async function showResult(request: ResultRequest, client: IngressClient, context: CliContext): Promise<void> {
  const { terminal } = context;
  const { job, submission, isJson } = request;
  const accept = isJson ? 'application/json' : 'text/markdown, application/json';
  const answer = await awaitResult(client, { job, submission, waitS: request.waitS, accept, signal: context.stopped }, terminal);
  const isMarkdown = answer.mediaType.startsWith('text/markdown');
  if (isMarkdown) {
    // A file gets the bytes as they are; a terminal must not be told what to do by them.
    terminal.out(terminal.isInteractive ? `${forTerminal(answer.bytes.toString('utf8'), charsMax, { lines: true })}\n` : answer.bytes.toString('utf8'));
    return context.finish(await isCompleted(client, job, submission) ? exitCodes.ok : exitCodes.failed);
  }
  const raw = JSON.parse(answer.bytes.toString('utf8')) as unknown;
  if (answer.status === 202) {
    if (isJson) terminal.out(jsonLine(raw));
    else terminal.out(statusText(readAnswer(answers.status, raw), terminal));
    terminal.err('blackboard: the job has not ended yet; wait for it with --wait\n');
    return context.finish(exitCodes.unavailable);
  }
  const view = readAnswer(answers.result, raw);
  if (request.isMarkdown) throw new CliError('refused', `the job ${view.outcome ?? 'ended'}; ${view.result === null ? 'it has no result' : 'its result has no Markdown form'}`, 'Leave --markdown out to see what there is.');
  if (isJson) terminal.out(jsonLine(raw));
  else terminal.out(statusText(view, terminal) + (view.result === null ? '' : `\n${forTerminal(JSON.stringify(view.result.value ?? view.result, null, 2), charsMax, { lines: true })}\n`));
  context.finish(view.outcome === 'completed' ? exitCodes.ok : exitCodes.failed);
}
