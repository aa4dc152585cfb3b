// What a principal needs to work on a broker that asks everybody who they are: a user, its password, its access lists
// and, where it signs, its key. Run again it does what is missing, changes nothing else, and says so. And the way back.

import { mkdir } from 'node:fs/promises';
import type { AclRow, BrokerPrincipal } from '../../infra/topics/acls.js';
import type { ScramLogin, ScramMechanism } from '../../infra/topics/scram-users.js';
import { shippedPrincipals } from '../../workflows/policy.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';
import { addToGate, keyOf, keyPath, newPassword, passwordPath, readPassword, replaceFile, writeNew } from './credential-files.js';
import { CliError } from './exit-codes.js';

export interface CredentialWants {
  readonly dir: string;
  readonly keyId: string;
  readonly mechanism: ScramMechanism;
  readonly resetPassword: boolean;
  /** Key file of orchestrator and gateway, to which the key is added. */
  readonly gateKeys?: string;
  readonly prefix: string;
}

export interface Credentials {
  readonly principal: string;
  readonly role: string;
  readonly user: string;
  readonly mechanism: ScramMechanism;
  readonly password: { readonly file: string; readonly change: 'made' | 'replaced' | 'unchanged'; readonly login: 'works' | 'untold' };
  /** Null: it signs nothing, or its key comes from `blackboard keys`. */
  readonly key: { readonly file: string; readonly change: 'made' | 'unchanged'; readonly gate: 'added' | 'unchanged' | 'not told' } | null;
  readonly acls: { readonly created: readonly AclRow[]; readonly unchanged: number };
  /** The broker opens what no list names. */
  readonly opensUnlisted: boolean;
}

const rolesThatSignNothing = ['projector', 'operator', 'replay'];

/** @throws CliError refused, BlackboardError TOPOLOGY_DRIFT, KAFKA_UNAVAILABLE, CONFIG_INVALID */
export async function makeCredentials(connection: KafkaConnection, principal: BrokerPrincipal, wants: CredentialWants): Promise<Credentials> {
  const { aclRows, applyAcls, checkAcls } = await import('../../infra/topics/acls.js');
  const { opensUnlisted } = await import('../../infra/topics/scram-users.js');
  const { name, role } = principal;
  const rows = aclRows([principal], wants.prefix);
  // First what may be refused, then what is hard to take back.
  const { missing } = await checkAcls(connection, rows, { prefix: wants.prefix });
  const login = await findLogin(connection, principal.user ?? name, wants);
  const isOwn = !Object.hasOwn(shippedPrincipals, name) && !rolesThatSignNothing.includes(role);
  const key = isOwn ? await makeKey(name, wants) : null;
  const password = await putLogin(connection, login, wants, name);
  await applyAcls(connection, missing);
  return {
    principal: name, role, user: login.username, mechanism: login.mechanism, password, key,
    acls: { created: missing, unchanged: rows.length - missing.length },
    opensUnlisted: password.login === 'works' && await opensUnlisted(connection, login),
  };
}

export interface Revoked {
  readonly principal: string;
  readonly user: string;
  /** Access lists that were there. */
  readonly acls: number;
  /** Mechanisms that it could log in by. */
  readonly passwords: readonly ScramMechanism[];
}

/** Shuts a principal out: its lists first, since they hold for connections that are open. @throws BlackboardError TOPOLOGY_DRIFT, KAFKA_UNAVAILABLE */
export async function revokeCredentials(connection: KafkaConnection, principal: BrokerPrincipal, prefix: string): Promise<Revoked> {
  const { aclRows, removeAcls } = await import('../../infra/topics/acls.js');
  const { removeScramUser } = await import('../../infra/topics/scram-users.js');
  const user = principal.user ?? principal.name;
  const acls = await removeAcls(connection, aclRows([principal], prefix));
  return { principal: principal.name, user, acls, passwords: await removeScramUser(connection, user) };
}

async function makeKey(name: string, { dir, keyId, gateKeys }: CredentialWants): Promise<Credentials['key']> {
  const { key, isNew } = await keyOf(dir, name, keyId);
  const gate = gateKeys === undefined ? 'not told' : await addToGate(gateKeys, key) ? 'added' : 'unchanged';
  return { file: keyPath(dir, name), change: isNew ? 'made' : 'unchanged', gate };
}

interface FoundLogin extends ScramLogin {
  readonly isOnBroker: boolean;
  readonly isInFile: boolean;
  readonly isReplaced: boolean;
}

/** The password that will be in force, after whatever may be in the way. */
async function findLogin(connection: KafkaConnection, username: string, { dir, mechanism, resetPassword }: CredentialWants): Promise<FoundLogin> {
  const { scramMechanismsOf, tryLogin } = await import('../../infra/topics/scram-users.js');
  const path = passwordPath(dir, username);
  const kept = await readPassword(path);
  const isOnBroker = (await scramMechanismsOf(connection, username)).includes(mechanism);
  const parts = { username, mechanism, isOnBroker, isInFile: kept !== null };
  if (resetPassword) return { ...parts, password: newPassword(), isReplaced: isOnBroker || kept !== null };
  const hint = 'Name the folder that has its password, or give it another one with --reset-password: whoever uses the old one is shut out at its next login.';
  if (isOnBroker && kept === null) throw new CliError('refused', `the broker has a user ${username} already, and ${path} is not there; nothing was changed`, hint);
  if (isOnBroker && kept !== null && await tryLogin(connection, { username, mechanism, password: kept }) === 'refused') {
    throw new CliError('refused', `the broker has another password for ${username} than ${path}; nothing was changed`, hint);
  }
  return { ...parts, password: kept ?? newPassword(), isReplaced: false };
}

/** The file before the broker: a password that nobody knows would have to be replaced. */
async function putLogin(connection: KafkaConnection, login: FoundLogin, { dir }: CredentialWants, name: string): Promise<Credentials['password']> {
  const { setScramPassword, tryLogin, whenLoginWorks } = await import('../../infra/topics/scram-users.js');
  const file = passwordPath(dir, login.username);
  const text = `${login.password.reveal()}\n`;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (login.isReplaced) await replaceFile(file, text, () => setScramPassword(connection, login));
  else {
    if (!login.isInFile) await writeNew(file, text);
    if (!login.isOnBroker) await setScramPassword(connection, login);
  }
  const isUnchanged = login.isOnBroker && login.isInFile && !login.isReplaced;
  const verdict = isUnchanged ? await tryLogin(connection, login) : await whenLoginWorks(connection, login);
  if (verdict === 'refused') throw new CliError('unavailable', `the broker took the password of ${name}, and does not let it log in yet`, 'Run this again: what was made is kept.');
  return { file, change: login.isReplaced ? 'replaced' : isUnchanged ? 'unchanged' : 'made', login: verdict };
}
