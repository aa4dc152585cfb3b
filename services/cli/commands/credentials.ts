import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { BrokerPrincipal } from '../../../infra/topics/acls.js';
import type { ScramMechanism } from '../../../infra/topics/scram-users.js';
import { shippedPrincipals } from '../../../workflows/policy.js';
import { counted } from '../../runtime/counted.js';
import { BlackboardError } from '../../runtime/errors.js';
import type { KafkaConnection } from '../../runtime/log/kafka/kafka-client.js';
import { principalsFromEnvironment, readUserPrefix } from '../access-lists.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { kafkaFromEnvironment, type KafkaSettings } from '../kafka-settings.js';
import { makeCredentials, type Credentials } from '../make-credentials.js';
import { withProgress } from '../progress.js';
import { accessOf, revokeCredentials, type Access } from '../revoke-credentials.js';
import { facts } from '../table.js';
import { foreign, jsonLine, type Terminal } from '../terminal.js';

const ownRoles = ['agent', 'verifier', 'upstream', 'operator', 'replay'] as const;
const mechanisms: readonly ScramMechanism[] = ['scram-sha-256', 'scram-sha-512'];

interface NameOptions extends JsonOption {
  readonly userPrefix: string;
}

interface MakeOptions extends NameOptions {
  readonly role?: string;
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
  const make = withNames(group.command('make').argument('<dir>', 'folder for NAME.kafka-password and NAME.json, of mode 0600; made where it is missing'), 'principals: services and agents that ship, or your own')
    .description('make user, password and access lists, and a signing key for a principal of your own')
    .option('--role <role>', `of one that neither ships nor is in BLACKBOARD_PRINCIPALS: ${ownRoles.join(', ')} (default: agent)`)
    .option('--gate-keys <file>', 'key file of orchestrator and gateway (all.json) that the new key is added to')
    .option('--key-id <id>', 'names a new key, so that it can be replaced one day', 'k1')
    .option('--mechanism <name>', `${mechanisms.join(' or ')} (default: KAFKA_SASL_MECHANISM, else scram-sha-512)`)
    .option('--reset-password', 'a new password for a user that is there; the old one is void, whatever its mechanism')
    .action((dir: string, names: readonly string[], options: MakeOptions) => makeAll(dir, names, options, context));
  examples(make, [
    ['blackboard credentials make ./keys word-counter --gate-keys ./keys/all.json', 'An agent of your own: all that it needs, in one go'],
    ['blackboard credentials make ./keys orchestrator gateway ingress projector snapshots researcher', 'Services and agents that ship; their keys come from "blackboard keys"'],
    ['blackboard credentials make ./keys ops --role operator', 'Somebody who reads: replay, verify, dead-letter list'],
    ['blackboard credentials make ./keys word-counter --reset-password', 'Its password was seen by others'],
  ], `Safe to run again: it does what is missing. No secret is printed, and no file is written over: ends with 4 where one is in the\nway. ${whoAsks}`);
  const revoke = withNames(group.command('revoke'), 'principals, or users as "topics check --acls" names them (User:NAME, without the prefix)')
    .description('take all that a user may do with this blackboard, and its passwords, away: in force at once, also for connections that are open')
    .option('--yes', 'really: without it, only says what would be done')
    .action((names: readonly string[], options: RevokeOptions) => revokeAll(names, options, context));
  examples(revoke, [
    ['blackboard credentials revoke word-counter --yes', 'An agent that was taken over: it reads and writes nothing from now on'],
    ['blackboard credentials revoke User:mallory', 'A user whom "topics check --acls" found: what it may do here, and could lose'],
  ], `Ends with 3 where a user has nothing. What shuts out (DENY) stays. The next "topics apply --acls" gives their lists back to
principals that ship, and to those of BLACKBOARD_PRINCIPALS. Claims that are in quarantine are judged all the same: take the key out
of the gate's file as well, and restart orchestrators and gateway. ${whoAsks}`);
  examples(group, [['blackboard credentials make ./keys word-counter', 'See make --help']]);
};

function withNames(command: Command, what: string): Command {
  return withJson(command)
    .argument('<names...>', what)
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
async function readAsked(names: readonly string[], options: MakeOptions, env: NodeJS.ProcessEnv): Promise<Asked> {
  const { settings, connection } = kafkaFromEnvironment(env);
  const known = await principalsFromEnvironment(env, options.userPrefix);
  const principals = [...new Set(names)].map((name) => principalOf(name, known, options));
  refuseSelf(principals.map(({ name, user = name }) => user), connection);
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

/** Does all that it can before it says what it could not. */
async function revokeAll(names: readonly string[], options: RevokeOptions, { terminal, env, finish }: CliContext): Promise<void> {
  // Without the principals' file: one that cannot be read must not hold this up.
  const { settings: { BLACKBOARD_TOPIC_PREFIX: prefix }, connection } = kafkaFromEnvironment(env);
  const users = [...new Set(names.map((name) => userOf(name, options)))];
  refuseSelf(users, connection);
  const failed: BlackboardError[] = [];
  const unknown: string[] = [];
  for (const user of users) {
    const { failures, ...access } = await withProgress(terminal, `access of ${user}`, async () => (options.yes === true
      ? await revokeCredentials(connection, user, prefix)
      : { ...await accessOf(connection, user, prefix), failures: [] }));
    failed.push(...failures);
    if (failures.length + access.acls.length + access.passwords.length === 0) unknown.push(user);
    terminal.out(options.json === true ? jsonLine({ user, ...access, done: options.yes === true }) : accessText(user, access, options.yes === true));
  }
  if (options.yes === true) terminal.err(await lastsText(users, options.userPrefix));
  const [first] = failed;
  if (first !== undefined) throw new BlackboardError(first.code, failed.map(({ message }) => message).join('\n'), first.details, { cause: first });
  if (unknown.length > 0) throw new CliError('notFound', `the broker has no access list on this blackboard (${prefix}), and no password, of ${unknown.map((user) => foreign(`User:${user}`)).join(', ')}`, 'Check the spelling, BLACKBOARD_TOPIC_PREFIX and --user-prefix: "blackboard topics check --acls" names who has lists.');
  finish(exitCodes.ok);
}

function accessText(user: string, { acls, passwords }: Access, isDone: boolean): string {
  const what = `${counted(acls.length, 'access list')} and ${counted(passwords.length, 'password')}`;
  const lines = acls.map((text) => `  ${foreign(text)}\n`).join('');
  return `${foreign(user)}: ${isDone ? `${what} taken away` : `would take ${what} away; add --yes to do it`}\n${lines}`;
}

/** Empty where none of them ships. */
async function lastsText(users: readonly string[], userPrefix: string): Promise<string> {
  const { brokerPrincipals } = await import('../../../infra/topics/broker-principals.js');
  const ships = brokerPrincipals(shippedPrincipals, userPrefix).map(({ name, user = name }) => user).filter((user) => users.includes(user));
  return ships.length === 0 ? '' : `the next "blackboard topics apply --acls" gives lists to ${ships.join(', ')} again, as to all that ship; passwords it does not\n`;
}

/** @throws CliError usage */
function userOf(name: string, { userPrefix }: NameOptions): string {
  const user = name.startsWith('User:') ? name.slice('User:'.length) : `${userPrefix}${name}`;
  if (!/^\P{Cc}{1,255}$/u.test(user)) throw new CliError('usage', `${foreign(name)}: a user's name is up to 255 characters`);
  return user;
}

/** @throws CliError usage */
function refuseSelf(users: readonly string[], { sasl }: KafkaConnection): void {
  if (sasl !== undefined && users.includes(sasl.username)) throw new CliError('usage', `${foreign(sasl.username)} is the user that asks`, 'Ask as an administrator.');
}

/** @throws CliError usage */
function principalOf(name: string, known: readonly BrokerPrincipal[], { role, userPrefix }: MakeOptions): BrokerPrincipal {
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
    ['user', `${foreign(user)}: password ${password.change}${password.voided.length === 0 ? '' : `, that of ${password.voided.join(' and ')} void`}${password.login === 'works' ? ', it logs in' : '; whether it logs in cannot be told from this listener'}`],
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
