import type { Command } from 'commander';
import type { DriftRow } from '../../../infra/topics/apply.js';
import { drawTopology } from '../../../topics/graph.js';
import { changeText, createMissing, driftHint, driftText, principalsFromEnvironment, readUserPrefix, surplusHint, type AclOptions } from '../access-lists.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { kafkaFromEnvironment } from '../kafka-settings.js';
import { withProgress } from '../progress.js';
import { readNumber } from '../read-params.js';
import { table } from '../table.js';
import { foreign, jsonLine, type Terminal } from '../terminal.js';

interface TopicsOptions extends JsonOption, AclOptions {
  readonly replication?: number;
}

export const addTopics: AddCommand = (program, context) => {
  const topics = program.command('topics').description('make the broker match the topology, say where it does not, or draw it');
  const apply = withTopology(topics.command('apply'))
    .description('create missing topics and access lists, and set the configuration of topics; safe to run again')
    .action((options: TopicsOptions) => applyAll(options, context));
  examples(apply, [
    ['KAFKA_BROKERS=localhost:9092 blackboard topics apply', 'A laptop: 4 partitions, one copy'],
    ['BLACKBOARD_PROFILE=production BLACKBOARD_PARTITIONS=64 blackboard topics apply', 'Production: 3 copies; the number of partitions never changes again'],
    ['blackboard topics apply --acls', 'On a broker with an authorizer: who may do what as well; nothing is taken away'],
  ]);
  const check = withTopology(topics.command('check'))
    .description('compare the broker with the topology; changes nothing')
    .action((options: TopicsOptions) => checkAll(options, context));
  examples(check, [
    ['blackboard topics check', 'For a deployment: ends with 6 when something differs'],
    ['blackboard topics check --acls', 'Who may do what, too: a grant that is missing, and one that nobody should have'],
  ], 'Topics of a blackboard, and only those that these credentials may see. Grants of super.users are in no list.');
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

function withTopology(command: Command): Command {
  return withJson(command)
    .option('--replication <n>', 'copies of each partition (default: 3 in the production profile, else 1)', readNumber('--replication', 1, 9))
    .option('--acls', 'access lists as well, of the principals that ship and of BLACKBOARD_PRINCIPALS')
    .option('--user-prefix <text>', 'what the names of all users begin with, for a second blackboard on one cluster', readUserPrefix, '')
    .option('--administrator <name>', 'a user who may have power over the cluster, besides the one that asks (may be repeated)', (value, all: readonly string[]) => [...all, value], []);
}

async function wantedLists({ administrator, userPrefix }: TopicsOptions, prefix: string, env: NodeJS.ProcessEnv) {
  const { aclRows } = await import('../../../infra/topics/acls.js');
  return { rows: aclRows(await principalsFromEnvironment(env, userPrefix), prefix), scope: { prefix, administrators: administrator } };
}

async function applyAll(options: TopicsOptions, { terminal, env, finish }: CliContext): Promise<void> {
  const { connection, topology } = wanted(options, env);
  const { applyTopics } = await import('../../../infra/topics/apply.js');
  // Before anything is changed: a principals file that cannot be read ends it.
  const lists = options.acls === true ? await wantedLists(options, topology.prefix, env) : null;
  const changes = await withProgress(terminal, 'applying topics', () => applyTopics(connection, topology));
  const acls = lists === null ? null : await withProgress(terminal, 'applying access lists', () => createMissing(connection, lists.rows, lists.scope));
  if (options.json === true) terminal.out(jsonLine(acls === null ? changes : { topics: changes, acls }));
  else {
    terminal.out(table([{ title: 'TOPIC' }, { title: 'CHANGE' }], changes.map(({ topic, change }) => [foreign(topic), change]), terminal));
    if (acls !== null) {
      terminal.out(`\n${changeText(acls, terminal)}`);
      if (acls.surplus.length > 0) terminal.err(`${driftText({ missing: [], surplus: acls.surplus }, terminal)}${surplusHint(env)}`);
    }
  }
  finish(exitCodes.ok);
}

async function checkAll(options: TopicsOptions, { terminal, env, finish }: CliContext): Promise<void> {
  const { connection, topology } = wanted(options, env);
  const { checkTopics } = await import('../../../infra/topics/apply.js');
  const lists = options.acls === true ? await wantedLists(options, topology.prefix, env) : null;
  const drift = await withProgress(terminal, 'checking topics', () => checkTopics(connection, topology));
  const acls = lists === null ? null : await withProgress(terminal, 'checking access lists', async () => {
    const { checkAcls } = await import('../../../infra/topics/acls.js');
    return await checkAcls(connection, lists.rows, lists.scope);
  });
  if (options.json === true) terminal.out(jsonLine(acls === null ? drift : { topics: drift, acls }));
  else {
    showTopics(drift, terminal);
    if (acls !== null) {
      terminal.out(driftText(acls, terminal));
      terminal.err(driftHint(acls, env));
    }
  }
  finish(drift.length === 0 && (acls === null || acls.missing.length + acls.surplus.length === 0) ? exitCodes.ok : exitCodes.diverged);
}

function showTopics(drift: readonly DriftRow[], terminal: Terminal): void {
  if (drift.length === 0) return terminal.out('the broker matches the topology\n');
  terminal.out(table([{ title: 'TOPIC', widthMin: 12 }, { title: 'WHAT', widthMin: 12 }, { title: 'WANTED', widthMin: 8 }, { title: 'FOUND', widthMin: 8 }], drift.map((row) => [foreign(row.topic), foreign(row.what), foreign(row.wanted), foreign(row.found)]), terminal));
  terminal.err('mend it with "blackboard topics apply"; partition counts and replication are never changed\n');
}
