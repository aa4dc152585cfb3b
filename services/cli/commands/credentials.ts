import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { BrokerPrincipal } from '../../../infra/topics/acls.js';
import type { ScramMechanism } from '../../../infra/topics/scram-users.js';
import { counted } from '../../runtime/counted.js';
import type { KafkaConnection } from '../../runtime/log/kafka/kafka-client.js';
import { principalsFromEnvironment, readUserPrefix } from '../access-lists.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { kafkaFromEnvironment, type KafkaSettings } from '../kafka-settings.js';
import { makeCredentials, revokeCredentials, type Credentials } from '../make-credentials.js';
import { withProgress } from '../progress.js';
import { facts } from '../table.js';
import { foreign, jsonLine, type Terminal } from '../terminal.js';

const ownRoles = ['agent', 'verifier', 'upstream', 'operator', 'replay'] as const;
const mechanisms: readonly ScramMechanism[] = ['scram-sha-256', 'scram-sha-512'];

interface NameOptions extends JsonOption {
  readonly role?: string;
  readonly userPrefix: string;
}

interface MakeOptions extends NameOptions {
  readonly gateKeys?: string;
  readonly keyId: string;
  readonly mechanism?: string;
  readonly resetPassword?: boolean;
}

interface RevokeOptions extends NameOptions {
  readonly yes?: boolean;
}

const whoAsks = 'KAFKA_USERNAME and KAFKA_PASSWORD are an administrator\'s: ALTER and DESCRIBE on the cluster, or a super user.';

export const addCredentials: AddCommand = (program, context) => {
  const group = program.command('credentials').description('let principals onto a broker with access lists, or shut them out');
  const make = withNames(group.command('make').argument('<dir>', 'folder for NAME.kafka-password and NAME.json, of mode 0600; made where it is missing'))
    .description('make user, password and access lists, and a signing key for a principal of your own')
    .option('--gate-keys <file>', 'key file of orchestrator and gateway (all.json) that the new key is added to')
    .option('--key-id <id>', 'names a new key, so that it can be replaced one day', 'k1')
    .option('--mechanism <name>', `${mechanisms.join(' or ')} (default: KAFKA_SASL_MECHANISM, else scram-sha-512)`)
    .option('--reset-password', 'a new password for a user that is there; the old one is void')
    .action((dir: string, names: readonly string[], options: MakeOptions) => makeAll(dir, names, options, context));
  examples(make, [
    ['blackboard credentials make ./keys word-counter --gate-keys ./keys/all.json', 'An agent of your own: all that it needs, in one go'],
    ['blackboard credentials make ./keys orchestrator gateway ingress projector snapshots researcher', 'Services and agents that ship; their keys come from "blackboard keys"'],
    ['blackboard credentials make ./keys ops --role operator', 'Somebody who reads: replay, verify, dead-letter list'],
    ['blackboard credentials make ./keys word-counter --reset-password', 'Its password was seen by others'],
  ], `Safe to run again: it does what is missing. No secret is printed, and no file is written over: ends with 4 where one is in the\nway. ${whoAsks}`);
  const revoke = withNames(group.command('revoke'))
    .description('take access lists and passwords away: in force at once, also for connections that are open')
    .option('--yes', 'really: without it, only says what would be done')
    .action((names: readonly string[], options: RevokeOptions) => revokeAll(names, options, context));
  examples(revoke, [['blackboard credentials revoke word-counter --yes', 'An agent that was taken over: it reads and writes nothing from now on']],
    `Its claims that are in quarantine are judged all the same: take its key out of the gate's file as well, and restart orchestrators and gateway.\n${whoAsks}`);
  examples(group, [['blackboard credentials make ./keys word-counter', 'See make --help']]);
};

function withNames(command: Command): Command {
  return withJson(command)
    .argument('<names...>', 'principals: services and agents that ship, or your own')
    .option('--role <role>', `of one that neither ships nor is in BLACKBOARD_PRINCIPALS: ${ownRoles.join(', ')} (default: agent)`)
    .option('--user-prefix <text>', 'what user names begin with, for a second blackboard on one cluster', readUserPrefix, '');
}

interface Asked {
  readonly connection: KafkaConnection;
  readonly settings: KafkaSettings;
  readonly principals: readonly BrokerPrincipal[];
  /** Names that ship or that a file names. */
  readonly known: ReadonlySet<string>;
}

/** @throws CliError usage, BlackboardError CONFIG_INVALID */
async function readAsked(names: readonly string[], options: NameOptions, env: NodeJS.ProcessEnv): Promise<Asked> {
  const { settings, connection } = kafkaFromEnvironment(env);
  const known = await principalsFromEnvironment(env, options.userPrefix);
  const principals = [...new Set(names)].map((name) => principalOf(name, known, options));
  const self = principals.find(({ name, user = name }) => user === connection.sasl?.username);
  if (self !== undefined) throw new CliError('usage', `${self.name} is the user that asks`, 'Ask as an administrator.');
  return { settings, connection, principals, known: new Set(known.map(({ name }) => name)) };
}

async function makeAll(dir: string, names: readonly string[], options: MakeOptions, { terminal, env, finish }: CliContext): Promise<void> {
  if (!/^[A-Za-z0-9-]{1,32}$/.test(options.keyId)) throw new CliError('usage', '--key-id is up to 32 letters, digits and dashes');
  const { settings, connection, principals, known } = await readAsked(names, options, env);
  const wants = {
    dir: resolve(dir), keyId: options.keyId, mechanism: mechanismOf(options, settings.KAFKA_SASL_MECHANISM), prefix: settings.BLACKBOARD_TOPIC_PREFIX, resetPassword: options.resetPassword === true,
    ...(options.gateKeys === undefined ? {} : { gateKeys: options.gateKeys }),
  };
  for (const principal of principals) {
    const made = await withProgress(terminal, `credentials of ${principal.name}`, () => makeCredentials(connection, principal, wants));
    terminal.out(options.json === true ? jsonLine({ ...made, environment: environmentOf(made) }) : credentialsText(made, known.has(principal.name), terminal));
    if (made.opensUnlisted) terminal.err('the broker opens whatever no access list names (allow.everyone.if.no.acl.found): set it to false, or agents may join groups and use transactions\n');
  }
  finish(exitCodes.ok);
}

async function revokeAll(names: readonly string[], options: RevokeOptions, { terminal, env, finish }: CliContext): Promise<void> {
  const { settings, connection, principals } = await readAsked(names, options, env);
  if (options.yes !== true) {
    const users = principals.map(({ name, user = name }) => user);
    if (options.json === true) terminal.out(jsonLine({ users, done: false }));
    else terminal.out(users.map((user) => `would take all access lists and passwords of ${foreign(user)} away; add --yes to do it\n`).join(''));
    return finish(exitCodes.ok);
  }
  for (const principal of principals) {
    const revoked = await withProgress(terminal, `revoking ${principal.name}`, () => revokeCredentials(connection, principal, settings.BLACKBOARD_TOPIC_PREFIX));
    const { user, acls, passwords } = revoked;
    terminal.out(options.json === true ? jsonLine({ ...revoked, done: true }) : `${foreign(user)}: ${counted(acls, 'access list')} and ${counted(passwords.length, 'password')} taken away\n`);
  }
  finish(exitCodes.ok);
}

/** @throws CliError usage */
function principalOf(name: string, known: readonly BrokerPrincipal[], { role, userPrefix }: NameOptions): BrokerPrincipal {
  if (!/^[a-z0-9-]{1,64}$/.test(name) || name === 'all') throw new CliError('usage', `${foreign(name)}: a principal is up to 64 lower-case letters, digits and dashes, and not "all"`);
  const own = ownRoles.find((one) => one === (role ?? 'agent'));
  if (own === undefined) throw new CliError('usage', `--role is one of ${ownRoles.join(', ')}`);
  const found = known.find((principal) => principal.name === name);
  if (found === undefined) return { name, role: own, user: `${userPrefix}${name}` };
  if (role !== undefined && role !== found.role) throw new CliError('usage', `${name} has the role ${found.role}, not ${role}`, 'Leave --role out, or change BLACKBOARD_PRINCIPALS.');
  return found;
}

/** @throws CliError usage */
function mechanismOf({ mechanism }: MakeOptions, inForce: string | undefined): ScramMechanism {
  const found = mechanisms.find((one) => one === (mechanism ?? (inForce === 'plain' ? undefined : inForce) ?? 'scram-sha-512'));
  if (found === undefined) throw new CliError('usage', `--mechanism is ${mechanisms.join(' or ')}`, 'Users of other mechanisms are made where they are kept.');
  return found;
}

/** What its process is started with; files only, no secret. */
function environmentOf({ mechanism, user, password, key }: Credentials): Readonly<Record<string, string>> {
  return { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: user, KAFKA_PASSWORD_FILE: password.file, ...(key === null ? {} : { BLACKBOARD_KEYS_FILE: key.file }) };
}

function credentialsText(made: Credentials, isKnown: boolean, terminal: Terminal): string {
  const { principal, role, user, password, key, acls } = made;
  const next = [
    ...(key === null || key.gate !== 'not told' ? [] : ['add its key to the file of orchestrator and gateway: --gate-keys all.json']),
    ...(isKnown ? [] : [`put {"${principal}": ${JSON.stringify(entryOf(principal, role))}} into the file that BLACKBOARD_PRINCIPALS names${key === null ? ', so that "topics check --acls" knows it' : ''}`]),
    ...(key === null || (isKnown && key.gate === 'unchanged') ? [] : ['restart the orchestrators, then the gateway: they read keys and principals at their start']),
  ];
  const rows: (readonly [string, string])[] = [
    ['principal', `${principal}, ${role}`],
    ['user', `${foreign(user)}: password ${password.change}${password.login === 'works' ? ', it logs in' : '; whether it logs in cannot be told from this listener'}`],
    ['lists', `${acls.created.length} created, ${acls.unchanged} there before`],
    ...(key === null ? [] : [['key', `${key.change}${key.gate === 'not told' ? '' : `; gate: ${key.gate}`}`] as const]),
    ...Object.entries(environmentOf(made)).map(([name, value], at) => [at === 0 ? 'set' : '', `${name}=${foreign(value)}`] as const),
    ...next.map((text, at) => [at === 0 ? 'then' : '', text] as const),
  ];
  return `${facts(rows, terminal)}\n`;
}

function entryOf(principal: string, role: string): object {
  return role === 'agent' || role === 'verifier' ? { role, agent: principal } : role === 'upstream' ? { role, tenants: [] } : { role };
}
