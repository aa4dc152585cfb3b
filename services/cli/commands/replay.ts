import { readFile } from 'node:fs/promises';
import { runReplay } from '../../../replay/main.js';
import { Keyring } from '../../runtime/keyring.js';
import { parseKeys } from '../../runtime/keys.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError } from '../exit-codes.js';
import { jobId } from '../job-views.js';
import { withProgress } from '../progress.js';
import { recordedAt, withRecordedLog, type LogOptions } from '../recorded-at.js';
import { secretVariable } from '../secret-variable.js';
import { foreign } from '../terminal.js';
import { loadWorkflowsOf, withWorkflow, type WorkflowOption } from '../workflow-option.js';

interface ReplayOptions extends JsonOption, LogOptions, WorkflowOption {
  readonly at?: string;
  readonly all?: boolean;
  readonly rows?: boolean;
  readonly keys?: string;
}

export const addReplay: AddCommand = (program, context) => {
  const command = withWorkflow(withRecordedLog(withJson(program.command('replay'))))
    .description('fold a recorded job from the log alone, and take every decision again')
    .argument('[job]', 'job id, 32 hex digits; with --all none')
    .option('--at <point>', 'the board as of an offset (1234 or 3/1234), an event of the job (e7) or a time (2025-03-01T14:02:07Z)')
    .option('--all', 'every job of the log')
    .option('--rows', 'compare the rows of the database too: DATABASE_URL, or that of the folder (nobody may have it open then)')
    .option('--keys <file>', 'key file that holds every key that ever signed: signatures are verified again')
    .action((job: string | undefined, options: ReplayOptions) => replay(job, options, context));
  examples(command, [
    ['blackboard replay JOB', 'Its board and timeline, and each decision compared with the recorded one'],
    ['blackboard replay JOB --at e7', 'What was known after the seventh event of the job'],
    ['blackboard replay --all --rows --json', 'The whole log, and the tables built from it'],
  ], 'It reads only. Ends with 6 when a decision taken again differs from the recorded one, or rows differ.');
};

async function replay(job: string | undefined, options: ReplayOptions, { terminal, env, finish }: CliContext): Promise<void> {
  if ((job === undefined) === (options.all !== true)) throw new CliError('usage', 'replay takes one job, or --all');
  const source = recordedAt(options, env);
  const databaseUrl = options.rows === true ? secretVariable(env, 'DATABASE_URL') : '';
  if (options.rows === true && source.mode !== 'embedded' && databaseUrl === '') throw new CliError('configuration', 'DATABASE_URL is required for --rows and not set');
  const keys = options.keys === undefined ? undefined : await readFile(options.keys, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError('notFound', `--keys: ${foreign(options.keys)} cannot be read (${error.code ?? 'error'})`);
  });
  const { contracts } = await loadWorkflowsOf(options, env);
  finish(await withProgress(terminal, 'replaying', () => runReplay({
    source, out: (text) => terminal.out(text), onWarning: (text) => terminal.err(`${text}\n`), json: options.json === true, view: terminal, contracts: [...contracts.values()],
    ...(job === undefined ? {} : { job: jobId(job) }), ...(options.at === undefined ? {} : { at: options.at }),
    ...(options.rows === true ? { database: source.mode === 'embedded' ? 'embedded' as const : { databaseUrl } } : {}),
    ...(keys === undefined ? {} : { keyring: new Keyring(parseKeys(keys, options.keys ?? '')) }),
  })));
}
