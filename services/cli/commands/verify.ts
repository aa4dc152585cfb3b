import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDatabase } from '../../../replay/open-database.js';
import { openRecorded } from '../../../replay/open-recorded.js';
import { replayLog } from '../../../replay/replay.js';
import { Keyring } from '../../runtime/keyring.js';
import { parseKeys } from '../../runtime/keys.js';
import { verifyJson, verifyText } from '../../verify/render.js';
import { verifyLog } from '../../verify/verify-log.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { withProgress } from '../progress.js';
import { recordedAt, withLog, type LogOptions } from '../recorded-at.js';
import { foreign } from '../terminal.js';
import { loadWorkflowsOf, withWorkflow, type WorkflowOption } from '../workflow-option.js';

interface VerifyCommandOptions extends JsonOption, LogOptions, WorkflowOption {
  readonly database?: boolean;
  readonly keys?: string;
  readonly atRest?: boolean;
  readonly again?: boolean;
}

export const addVerify: AddCommand = (program, context) => {
  const command = withWorkflow(withLog(withJson(program.command('verify'))))
    .description('check a log, and the audit table beside it, against every invariant that can be checked')
    .option('--database', 'the audit table too: DATABASE_URL, or that of the folder (nobody may have it open then)')
    .option('--keys <file>', 'key file that holds every key that ever signed: signatures are verified again')
    .option('--at-rest', 'nothing is under way: an open job or an undecided claim is a failure')
    .option('--no-again', 'do not take every decision again: faster, and I6 is not checked')
    .action((options: VerifyCommandOptions) => verify(options, context));
  examples(command, [
    ['blackboard verify', 'The log of this folder: one line per invariant'],
    ['blackboard verify --database --at-rest --json', 'After "up" has stopped and all jobs have ended'],
  ], 'It reads only. Ends with 6 when an invariant does not hold.');
};

async function verify(options: VerifyCommandOptions, { terminal, env, finish }: CliContext): Promise<void> {
  const source = recordedAt(options, env);
  const databaseUrl = env['DATABASE_URL'] ?? '';
  if (options.database === true && source.mode === 'kafka' && databaseUrl === '') throw new CliError('configuration', 'DATABASE_URL is required for --database and not set');
  const keys = options.keys === undefined ? null : await readFile(options.keys, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError('notFound', `--keys: ${foreign(join(options.keys ?? ''))} cannot be read (${error.code ?? 'error'})`);
  });
  const keyring = keys === null ? null : new Keyring(parseKeys(keys, options.keys ?? ''));
  const { contracts } = await loadWorkflowsOf(options, env);
  const recorded = await openRecorded(source);
  const db = options.database !== true ? null : await openDatabase(source.mode === 'embedded' ? { dataDir: source.dataDir } : { databaseUrl });
  try {
    const report = await withProgress(terminal, 'verifying', () => verifyLog({
      ...recorded, db, keyring, isAtRest: options.atRest === true,
      ...(options.again === false ? {} : { takeAgain: async () => {
        const { decisions, divergences } = await replayLog({ ...recorded, contracts, ...(keyring === null ? {} : { keyring }) });
        return { decisions, differences: divergences.map((divergence) => JSON.stringify(divergence)) };
      } }),
    }));
    terminal.out(options.json === true ? verifyJson(report) : verifyText(report));
    finish(report.ok ? exitCodes.ok : exitCodes.diverged);
  } finally {
    await db?.close();
    await recorded.log.close();
  }
}
