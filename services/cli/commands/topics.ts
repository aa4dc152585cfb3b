import { drawTopology } from '../../../topics/graph.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { kafkaFromEnvironment } from '../kafka-settings.js';
import { withProgress } from '../progress.js';
import { readNumber } from '../read-params.js';
import { table } from '../table.js';
import { foreign, jsonLine } from '../terminal.js';

interface TopicsOptions extends JsonOption {
  readonly replication?: number;
}

export const addTopics: AddCommand = (program, context) => {
  const topics = program.command('topics').description('make the broker match the topology, say where it does not, or draw it');
  const apply = withJson(topics.command('apply'))
    .description('create missing topics and set their configuration; safe to run again')
    .option('--replication <n>', 'copies of each partition (default: 3 in the production profile, else 1)', readNumber('--replication', 1, 9))
    .action((options: TopicsOptions) => applyAll(options, context));
  examples(apply, [
    ['KAFKA_BROKERS=localhost:9092 blackboard topics apply', 'A laptop: 4 partitions, one copy'],
    ['BLACKBOARD_PROFILE=production BLACKBOARD_PARTITIONS=64 blackboard topics apply', 'Production: 3 copies; the number of partitions never changes again'],
  ]);
  const check = withJson(topics.command('check'))
    .description('compare the broker with the topology; changes nothing')
    .option('--replication <n>', 'copies of each partition (default: 3 in the production profile, else 1)', readNumber('--replication', 1, 9))
    .action((options: TopicsOptions) => checkAll(options, context));
  examples(check, [['blackboard topics check', 'For a deployment: ends with 6 when something differs']]);
  const draw = withJson(topics.command('draw')).description('print the topology as a Mermaid flow chart').action((options: JsonOption) => {
    const drawing = drawTopology();
    context.terminal.out(options.json === true ? jsonLine({ mermaid: drawing }) : drawing);
    context.finish(exitCodes.ok);
  });
  examples(draw, [['blackboard topics draw > topology.mmd', 'Who writes and reads what']]);
  examples(topics, [['blackboard topics check', 'Is the broker as it should be?']]);
};

function wanted({ replication }: TopicsOptions, env: NodeJS.ProcessEnv) {
  const { settings, connection } = kafkaFromEnvironment(env);
  const { BLACKBOARD_TOPIC_PREFIX: prefix, BLACKBOARD_PARTITIONS: partitions, BLACKBOARD_PROFILE: profile } = settings;
  return { connection, topology: { prefix, partitions, profile, replication: replication ?? (profile === 'production' ? 3 : 1) } };
}

async function applyAll(options: TopicsOptions, { terminal, env, finish }: CliContext): Promise<void> {
  const { connection, topology } = wanted(options, env);
  const { applyTopics } = await import('../../../infra/topics/apply.js');
  const changes = await withProgress(terminal, 'applying topics', () => applyTopics(connection, topology));
  terminal.out(options.json === true ? jsonLine(changes) : table([{ title: 'TOPIC' }, { title: 'CHANGE' }], changes.map(({ topic, change }) => [foreign(topic), change]), terminal));
  finish(exitCodes.ok);
}

async function checkAll(options: TopicsOptions, { terminal, env, finish }: CliContext): Promise<void> {
  const { connection, topology } = wanted(options, env);
  const { checkTopics } = await import('../../../infra/topics/apply.js');
  const drift = await withProgress(terminal, 'checking topics', () => checkTopics(connection, topology));
  if (options.json === true) terminal.out(jsonLine(drift));
  else if (drift.length === 0) terminal.out('the broker matches the topology\n');
  else {
    terminal.out(table([{ title: 'TOPIC', widthMin: 12 }, { title: 'WHAT', widthMin: 12 }, { title: 'WANTED', widthMin: 8 }, { title: 'FOUND', widthMin: 8 }], drift.map((row) => [foreign(row.topic), foreign(row.what), foreign(row.wanted), foreign(row.found)]), terminal));
    terminal.err('mend it with "blackboard topics apply"; partition counts and replication are never changed\n');
  }
  finish(drift.length === 0 ? exitCodes.ok : exitCodes.diverged);
}
