// What a principal needs to work on a broker that asks everybody who they are: a user, its password, its access lists
// and, where it signs, its key. Run again it does what is missing, changes nothing else, and says so.

import { mkdir } from 'node:fs/promises';
import type { AclRow, BrokerPrincipal } from '../../infra/topics/acls.js';
import type { ScramLogin, ScramMechanism } from '../../infra/topics/scram-users.js';
import { shippedPrincipals } from '../../workflows/policy.js';
import { BlackboardError } from '../runtime/errors.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';
import { addToGate, keyOf, keyPath, newPassword, passwordPath, readPassword, writeNew } from './credential-files.js';
import { CliError } from './exit-codes.js';
import { layBeside } from './replace-file.js';

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
  readonly password: PasswordChange;
  /** Null: it signs nothing, or its key comes from `blackboard keys`. */
  readonly key: { readonly file: string; readonly change: 'made' | 'unchanged'; readonly gate: 'added' | 'unchanged' | 'not told' } | null;
  readonly acls: { readonly created: readonly AclRow[]; readonly unchanged: number };
  /** The broker opens what no list names. */
  readonly opensUnlisted: boolean;
}

export interface PasswordChange {
  readonly file: string;
  readonly change: 'made' | 'replaced' | 'unchanged';
  /** Mechanisms by which it can log in no more: those of other passwords, where a new one was asked for. */
  readonly voided: readonly ScramMechanism[];
  readonly login: 'works' | 'untold';
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
async function putLogin(connection: KafkaConnection, login: FoundLogin, { dir, resetPassword }: CredentialWants, name: string): Promise<PasswordChange> {
  const { setScramPassword, tryLogin, whenLoginWorks } = await import('../../infra/topics/scram-users.js');
  const file = passwordPath(dir, login.username);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (login.isReplaced) await replacePassword(connection, login, file);
  else {
    if (!login.isInFile) await writeNew(file, textOf(login));
    if (!login.isOnBroker) await setScramPassword(connection, login);
  }
  const voided = resetPassword ? await voidOthers(connection, login, file) : [];
  const isUnchanged = login.isOnBroker && login.isInFile && !login.isReplaced;
  const verdict = isUnchanged ? await tryLogin(connection, login) : await whenLoginWorks(connection, login);
  if (verdict === 'refused') throw new CliError('unavailable', `the broker took the password of ${name}, and does not let it log in yet`, 'Run this again: what was made is kept.');
  return { file, change: login.isReplaced ? 'replaced' : isUnchanged ? 'unchanged' : 'made', voided, login: verdict };
}

/** The new password lies beside the old one until the broker has it: whichever is in force, it is in a file. */
async function replacePassword(connection: KafkaConnection, login: FoundLogin, file: string): Promise<void> {
  const { setScramPassword } = await import('../../infra/topics/scram-users.js');
  const replacement = await layBeside(file, textOf(login));
  const { beside } = replacement;
  try {
    await setScramPassword(connection, login);
  } catch (error) {
    if (!(error instanceof BlackboardError) || error.details['mayBeInForce'] !== true) {
      await replacement.discard();
      throw error;
    }
    throw new CliError('unavailable', `it is not known whether the new password of ${login.username} is in force; it is in ${beside}, the old one in ${file}: ${error.message}`,
      `Once the broker answers, run this again: it makes both void. Or put ${beside} in the place of ${file}, should the old one not log in.`, { code: error.code, newPasswordFile: beside });
  }
  try {
    await replacement.takePlace();
  } catch (error) {
    throw new CliError('failed', `the new password of ${login.username} is in force, and could not take the place of the old one (${(error as Error).message}); it is in ${beside}`, 'Mend that, and run this again: it makes another one.', { newPasswordFile: beside });
  }
}

/** A password that was seen may have been set for another mechanism than the one asked for. Returns those that are void now. */
async function voidOthers(connection: KafkaConnection, { username, mechanism }: ScramLogin, file: string): Promise<readonly ScramMechanism[]> {
  const { removeScramUser } = await import('../../infra/topics/scram-users.js');
  try {
    return await removeScramUser(connection, username, mechanism);
  } catch (error) {
    if (!(error instanceof BlackboardError)) throw error;
    throw new CliError('unavailable', `the new password of ${username} is in force, and in ${file}; that of another mechanism may be in force still: ${error.message}`, 'Run this again.', { code: error.code });
  }
}

function textOf({ password }: ScramLogin): string {
  return `${password.reveal()}\n`;
}
