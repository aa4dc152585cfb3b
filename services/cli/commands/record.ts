import { openRecorded } from '../../../replay/open-recorded.js';
import { writeRecordedFile } from '../../../replay/recorded-file.js';
import { counted } from '../../runtime/counted.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { withProgress } from '../progress.js';
import { keptAt, withLog, type LogOptions } from '../recorded-at.js';
import { foreign, jsonLine } from '../terminal.js';

interface RecordOptions extends JsonOption, LogOptions {
  readonly out: string;
  readonly reason?: string;
}

export const addRecord: AddCommand = (program, context) => {
  const command = withLog(withJson(program.command('record')))
    .description('keep both namespaces of a log in one file that explains itself, for "verify --file" and "replay --file"')
    .requiredOption('--out <file>', 'where to; written aside and renamed when it is whole')
    .option('--reason <text>', 'why it was kept; stands in the file')
    .action((options: RecordOptions) => record(options, context));
  examples(command, [
    ['blackboard record --out incident.log --reason "brief 42 took an hour"', 'The log of this folder, also beside a running blackboard'],
    ['blackboard verify --file incident.log', 'Checked anywhere, years later, without brokers or a registry'],
  ], 'A whole log, never a part: decisions rest on all that is before them. The file holds whatever the log\nholds, of all tenants: its owner alone may read it.');
};

async function record(options: RecordOptions, { terminal, env, stopped, finish }: CliContext): Promise<void> {
  const source = await openRecorded(keptAt(options, env), (text) => terminal.err(`${text}\n`));
  try {
    const written = await withProgress(terminal, 'recording', () => writeRecordedFile(options.out, source, { name: 'recorded', reason: options.reason ?? '' }, stopped));
    terminal.out(options.json === true ? jsonLine({ file: options.out, ...written }) : `${foreign(options.out)}: ${counted(written.claims, 'claim')}, ${counted(written.facts, 'fact')}, ${counted(written.partitions, 'partition')}\n`);
    finish(exitCodes.ok);
  } catch (error) {
    if (stopped.aborted) throw new CliError('interrupted', 'stopped before the file was whole; nothing of it was kept');
    throw error;
  } finally {
    await source.log.close();
  }
}
