import { join } from 'node:path';
import { topicNames } from '../../../topics/topics.js';
import { openEmbeddedLog } from '../../runtime/log/embedded/embedded-log.js';
import { kafkaLog } from '../../runtime/log/kafka/kafka-log.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { readLetter, readLetters, readOriginal, withRecorded, type FoundLetter } from '../dead-letters.js';
import { moment } from '../durations.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { hexLines } from '../hex-view.js';
import { readNumber } from '../read-params.js';
import { keptAt, withLog, type LogOptions } from '../recorded-at.js';
import { facts, table } from '../table.js';
import { foreign, jsonLine } from '../terminal.js';

type Options = JsonOption & LogOptions & { readonly limit?: number; readonly yes?: boolean };

export const addDeadLetter: AddCommand = (program, context) => {
  const group = program.command('dead-letter').description('records that could not be decoded: list, look at, send again');
  const list = withLog(withJson(group.command('list')))
    .description('list dead letters, the oldest first')
    .option('--limit <n>', 'the newest so many', readNumber('--limit', 1, 100_000), 50)
    .action((options: Options) => listLetters(options, context));
  examples(list, [['blackboard dead-letter list', 'Of the embedded blackboard in ./.blackboard, also while it runs'], ['blackboard dead-letter list --kafka --json', 'Of KAFKA_BROKERS, for programs']]);
  const show = withLog(withJson(group.command('show'))).argument('<offset>', 'as listed', readNumber('offset', 0, Number.MAX_SAFE_INTEGER))
    .description('show one: why, from where, and its bytes in hex and ASCII')
    .action((offset: number, options: Options) => showLetter(offset, options, context));
  examples(show, [['blackboard dead-letter show 3', 'Nothing in the bytes can act on your terminal']]);
  const redrive = withLog(withJson(group.command('redrive'))).argument('<offset>', 'as listed', readNumber('offset', 0, Number.MAX_SAFE_INTEGER))
    .description('append the original bytes to quarantine again, on the partition they came from')
    .option('--yes', 'really: without it, only says what would be done')
    .action((offset: number, options: Options) => redriveLetter(offset, options, context));
  examples(redrive, [['blackboard dead-letter redrive 3 --yes', 'After the cause is mended (a schema that is known now, say); it is judged like any other claim']],
    'An embedded blackboard must be stopped first. On Kafka, these credentials need WRITE on quarantine.');
  examples(group, [['blackboard dead-letter list', 'Start here']]);
};

async function listLetters(options: Options, { terminal, env, finish }: CliContext): Promise<void> {
  const letters = await withRecorded(keptAt(options, env), (source) => readLetters(source, options.limit ?? 50));
  if (options.json === true) for (const found of letters) terminal.out(jsonLine(plain(found)));
  else if (letters.length === 0) terminal.out('no dead letters\n');
  else {
    terminal.out(table([{ title: 'OFFSET', align: 'right' }, { title: 'WHEN', widthMin: 20, isOptional: true }, { title: 'REASON', widthMin: 12 }, { title: 'ORIGIN', widthMin: 10 }, { title: 'BYTES', align: 'right' }, { title: 'KEY', widthMin: 6, isOptional: true }],
      letters.map(({ record, letter }) => [String(record.offset), moment(record.appendTimeMs), foreign(letter.reason, 80), `q/${letter.originPartition}/${letter.originOffset}`, String(letter.value.length), foreign(letter.key.toString('latin1'), 40)]), terminal));
  }
  finish(exitCodes.ok);
}

async function showLetter(offset: number, options: Options, { terminal, env, finish }: CliContext): Promise<void> {
  const found = await withRecorded(keptAt(options, env), (source) => readLetter(source, offset));
  const { record, letter } = found;
  terminal.out(options.json === true ? jsonLine(plain(found)) : facts([
    ['offset', String(record.offset)], ['when', moment(record.appendTimeMs)], ['reason', foreign(letter.reason)], ...(letter.detail === '' ? [] : [['detail', foreign(letter.detail)] as const]),
    ['origin', `${foreign(letter.originTopic)} ${letter.originPartition}/${letter.originOffset}`], ['key', foreign(letter.key.toString('latin1'), 200)], ['bytes', String(letter.value.length)],
  ], terminal) + `\n${hexLines(letter.value, terminal.columns).join('\n')}\n`);
  finish(exitCodes.ok);
}

/** @throws BlackboardError LOG_LOCKED while an embedded blackboard runs. */
async function redriveLetter(offset: number, options: Options, { terminal, env, finish }: CliContext): Promise<void> {
  const at = keptAt(options, env);
  const { found, original, partitions } = await withRecorded(at, async (source) => {
    const letter = await readLetter(source, offset);
    return { found: letter, original: await readOriginal(source, letter), partitions: (await source.log.ranges(source.topics.quarantine)).length };
  });
  const { originPartition: partition, originTopic } = found.letter;
  const { quarantine } = topicNames(at.mode === 'kafka' ? at.topicPrefix : undefined);
  if (options.yes !== true) throw new CliError('usage', `would append ${original.value.length} bytes to ${foreign(originTopic)}, partition ${partition}; nothing was written`, 'Add --yes to do it.');
  const log = at.mode === 'kafka' ? kafkaLog(at.kafka) : await openEmbeddedLog({ directory: join(at.dataDir, 'log'), topics: [{ name: quarantine, partitions }] });
  try {
    const { baseOffset } = await log.append({ topic: quarantine, partition, records: [original] });
    terminal.out(options.json === true ? jsonLine({ topic: quarantine, partition, offset: baseOffset }) : `appended to quarantine ${partition}/${baseOffset}\n`);
    finish(exitCodes.ok);
  } finally {
    await log.close();
  }
}

function plain({ record, letter }: FoundLetter): Readonly<Record<string, unknown>> {
  const { reason, detail, originTopic, originPartition, originOffset, key, value } = letter;
  return { offset: record.offset, appendTimeMs: record.appendTimeMs, reason, detail, originTopic, originPartition, originOffset, keyBase64: key.toString('base64'), valueBase64: value.toString('base64') };
}
