import { readFile } from 'node:fs/promises';
import { openDatabase } from '../../../replay/open-database.js';
import { openRecorded } from '../../../replay/open-recorded.js';
import { decidedAgain } from '../../../replay/take-again.js';
import { Keyring } from '../../runtime/keyring.js';
import { parseKeys } from '../../runtime/keys.js';
import { postgresSnapshotStore } from '../../runtime/postgres/postgres-snapshot-store.js';
import { checkSnapshots } from '../../snapshots/check-snapshots.js';
import { parseHistory } from '../../verify/client-history.js';
import { explainText, verifyJson, verifyText } from '../../verify/render.js';
import { verifyLog } from '../../verify/verify-log.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { withProgress } from '../progress.js';
import { recordedAt, withRecordedLog, type LogOptions } from '../recorded-at.js';
import { secretVariable } from '../secret-variable.js';
import { foreign } from '../terminal.js';
import { loadWorkflowsOf, withWorkflow, type WorkflowOption } from '../workflow-option.js';

interface VerifyCommandOptions extends JsonOption, LogOptions, WorkflowOption {
  readonly database?: boolean;
  readonly keys?: string;
  readonly atRest?: boolean;
  readonly again?: boolean;
  readonly history?: string;
  readonly explain?: boolean;
}

export const addVerify: AddCommand = (program, context) => {
  const command = withWorkflow(withRecordedLog(withJson(program.command('verify'))))
    .description('check a log, and the audit table beside it, against every invariant that can be checked')
    .option('--database', 'the audit table too: DATABASE_URL, or that of the folder (nobody may have it open then)')
    .option('--keys <file>', 'key file that holds every key that ever signed: signatures are verified again')
    .option('--history <file>', 'what clients were told, as "submit --history" and other clients write it: JSON lines of job, tenant, key, outcome, partition, offset')
    .option('--at-rest', 'nothing is under way: an open job, an undecided claim or a record without its row is a failure')
    .option('--no-again', 'do not take every decision again: faster, and I6 is not checked')
    .option('--explain', 'only say how each invariant is checked, and what the check shares with what it checks')
    .action((options: VerifyCommandOptions) => verify(options, context));
  examples(command, [
    ['blackboard verify', 'The log of this folder: one line per invariant'],
    ['blackboard verify --file incident.log --keys keys.json', 'A log that "blackboard record" kept, with its signatures'],
    ['blackboard verify --database --at-rest --json', 'After "up" has stopped and all jobs have ended'],
  ], 'It reads only. Ends with 6 when an invariant does not hold.');
};

async function verify(options: VerifyCommandOptions, { terminal, env, finish }: CliContext): Promise<void> {
  if (options.explain === true) {
    terminal.out(explainText(terminal.columns));
    return finish(exitCodes.ok);
  }
  const source = recordedAt(options, env);
  const databaseUrl = options.database === true ? secretVariable(env, 'DATABASE_URL') : '';
  if (options.database === true && source.mode !== 'embedded' && databaseUrl === '') throw new CliError('configuration', 'DATABASE_URL is required for --database and not set');
  const keys = await readGiven('--keys', options.keys);
  const keyring = keys === null ? null : new Keyring(parseKeys(keys, options.keys ?? ''));
  const told = await readGiven('--history', options.history);
  const history = told === null ? null : parseHistory(told);
  const { contracts } = await loadWorkflowsOf(options, env);
  const recorded = await openRecorded(source, (text) => terminal.err(`${text}\n`));
  const db = options.database !== true ? null : await openDatabase(source.mode === 'embedded' ? { dataDir: source.dataDir } : { databaseUrl });
  try {
    const report = await withProgress(terminal, 'verifying', () => verifyLog({
      ...recorded, db, keyring, history, isAtRest: options.atRest === true,
      snapshots: db === null ? null : () => checkSnapshots({ ...recorded, topic: recorded.topics.verified, store: postgresSnapshotStore(db), keyring }),
      again: options.again === false ? null : decidedAgain(recorded, { contracts, ...(keyring === null ? {} : { keyring }) }),
    }));
    terminal.out(options.json === true ? verifyJson(report) : verifyText(report, terminal.isInteractive ? terminal.columns : Infinity));
    finish(report.ok ? exitCodes.ok : exitCodes.diverged);
  } finally {
    await db?.close();
    await recorded.log.close();
  }
}

async function readGiven(option: string, path: string | undefined): Promise<string | null> {
  if (path === undefined) return null;
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError('notFound', `${option}: ${foreign(path)} cannot be read (${error.code ?? 'error'})`);
  });
}
