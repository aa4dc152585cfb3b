import { randomUUID } from 'node:crypto';
import { examples, withServer, type AddCommand, type CliContext, type ServerOptions } from '../context.js';
import { clientFor } from '../ingress-client.js';
import { HistoryFile } from '../history-file.js';
import { answers, readAnswer } from '../job-views.js';
import { readDuration, readParam, readParamsFile } from '../read-params.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { facts } from '../table.js';
import { foreign, jsonLine } from '../terminal.js';
import { showResult } from './result.js';

interface SubmitOptions extends ServerOptions {
  readonly workflow: string;
  readonly param: readonly string[];
  readonly params?: string;
  readonly key?: string;
  readonly goal?: string;
  readonly tenant?: string;
  readonly correlation?: string;
  readonly deadline?: number;
  readonly wait?: boolean;
  readonly history?: string;
}

export const addSubmit: AddCommand = (program, context) => {
  const command = withServer(program.command('submit'))
    .description('submit a job; says its id and where the submission is in the log')
    .requiredOption('-w, --workflow <name>', 'a workflow in force, e.g. brief')
    .option('-p, --param <name=text>', 'a parameter; name:=json for anything but text (may be repeated)', (value, all: readonly string[]) => [...all, value], [])
    .option('--params <file>', 'parameters as one JSON object; - for stdin')
    .option('-k, --key <key>', 'idempotency key: the same key is the same job (default: a new one)')
    .option('--goal <text>', 'what the job is for, in words')
    .option('--tenant <name>', 'must be the one that the API key is bound to')
    .option('--correlation <id>', "your own id for the whole conversation")
    .option('--deadline <duration>', 'from acceptance, e.g. 90s or 10m (default: the workflow\'s)', readDuration)
    .option('--history <file>', 'add what was answered to this file, one JSON line per submission, for "verify --history"')
    .option('--wait', 'wait for the end and print the result')
    .action((options: SubmitOptions) => submit(options, context));
  examples(command, [
    ['blackboard submit -w brief -p docs=/srv/docs -p question="How are retries limited?" --wait', 'A brief on a folder of documents; the folder is read by the collector, so name it as that sees it'],
    ['blackboard submit -w brief -p docs=/srv/docs -p question="What is due?" -p maxAgeMs:=86400000 --key order-4711', 'A number as a parameter, and a key of your own: sending it again is safe'],
    ["echo '{\"question\":\"…\"}' | blackboard submit -w brief --params - --json", 'From another program'],
  ], 'Ends with 5 when it is not known whether the log took it: send it again with the same key.');
};

async function submit(options: SubmitOptions, context: CliContext): Promise<void> {
  const { terminal, env } = context;
  const client = clientFor(options, env);
  const params = { ...(options.params === undefined ? {} : await readParamsFile(options.params, context.readStdin)), ...Object.fromEntries(options.param.map(readParam)) };
  const key = options.key ?? randomUUID();
  if (!/^[\x20-\x7e]{1,256}$/.test(key)) throw new CliError('usage', '--key is up to 256 printable ASCII characters');
  const named = { goal: options.goal, tenant: options.tenant, correlation: options.correlation, deadlineMs: options.deadline };
  const body = { workflow: options.workflow, params, idempotencyKey: key, ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) };
  const note = options.history === undefined ? null : new HistoryFile(options.history, { tenant: options.tenant, key });
  await note?.open();
  const raw = await client.json('/v1/jobs', { method: 'POST', body, signal: context.stopped }).catch(async (error: unknown) => {
    if (error instanceof CliError && error.exit === 'unavailable') terminal.err(`blackboard: the idempotency key was ${key}\n`);
    // What became of the submission matters more than that it could not be noted.
    await note?.failed(error).catch((unwritten: unknown) => {
      terminal.err(`blackboard: what was answered could not be noted in the history file (${foreign((unwritten as Error).message)})\n`);
    });
    throw error;
  });
  const accepted = readAnswer(answers.accepted, raw);
  // Told before anything else may fail: the job is there now.
  await note?.acked(accepted).catch((error: unknown) => {
    terminal.err(`blackboard: job ${foreign(accepted.job)}, quarantine ${accepted.partition}/${accepted.offset}, is submitted, but could not be noted\n`);
    throw error;
  });
  if (options.wait !== true) {
    terminal.out(options.json === true ? jsonLine({ ...accepted, idempotencyKey: key }) : facts([
      ['job', foreign(accepted.job)], ['submission', `quarantine ${accepted.partition}/${accepted.offset}`], ['key', foreign(key)], ['next', `blackboard watch ${foreign(accepted.job)} --submission ${accepted.offset}`],
    ], terminal));
    return context.finish(exitCodes.ok);
  }
  // Whoever stops waiting must be able to come back to it.
  terminal.err(`job ${foreign(accepted.job)}, quarantine ${accepted.partition}/${accepted.offset}\n`);
  await showResult({ job: accepted.job, submission: accepted.offset, waitS: Infinity, isMarkdown: false, isJson: options.json === true }, client, context);
}
