// The files of a principal's credentials: for their owner alone, and never written over unless a new password is asked
// for by name. What is in them is told to nobody.

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keysText, makeKeys, parseKeys } from '../runtime/keys.js';
import type { SigningKey } from '../runtime/keyring.js';
import { Secret } from '../runtime/secret.js';
import { CliError } from './exit-codes.js';
import { replaceFile } from './replace-file.js';
import { foreign } from './terminal.js';

const passwordBytes = 32;

export function keyPath(dir: string, name: string): string {
  return join(dir, `${name}.json`);
}

export function passwordPath(dir: string, name: string): string {
  return join(dir, `${name}.kafka-password`);
}

export function newPassword(): Secret {
  return new Secret(randomBytes(passwordBytes).toString('hex'));
}

/** The password that is kept there; null: none is. @throws CliError refused when the file holds none */
export async function readPassword(path: string): Promise<Secret | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new CliError('refused', `${foreign(path)} is empty; nothing was changed`, 'Remove it, and run this again.');
  return new Secret(password);
}

/** Makes a file that is not there. @throws the system's EEXIST */
export async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
}

/** The one signing key in a principal's file, and whether it is new. @throws CliError refused, BlackboardError CONFIG_INVALID */
export async function keyOf(dir: string, name: string, keyId: string): Promise<{ readonly key: SigningKey; readonly isNew: boolean }> {
  const path = keyPath(dir, name);
  const text = await readIfThere(path);
  if (text !== null) {
    const [key, ...others] = parseKeys(text, path);
    if (key?.principal !== name || others.length > 0) throw new CliError('refused', `${foreign(path)} holds the keys of others; nothing was changed`, 'Name another folder.');
    return { key, isNew: false };
  }
  const [key] = makeKeys([name], keyId) as [SigningKey];
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeNew(path, keysText([key]));
  return { key, isNew: true };
}

/** Adds a key to those that the gate verifies with. @throws CliError notFound, refused */
export async function addToGate(path: string, key: SigningKey): Promise<boolean> {
  const text = await readIfThere(path);
  if (text === null) throw new CliError('notFound', `${foreign(path)} is not there`, 'Name the key file of orchestrator and gateway: all.json of "blackboard keys", keys-all.json of the containers.');
  const keys = parseKeys(text, path);
  const same = keys.find(({ principal, keyId }) => principal === key.principal && keyId === key.keyId);
  if (same?.secret.equals(key.secret) === true) return false;
  if (same !== undefined) throw new CliError('refused', `${foreign(path)} has another key ${key.keyId} of ${key.principal}; it is left as it is`, 'Choose another --key-id, in an empty folder: a key that is replaced makes every claim signed with it unauthentic.');
  await replaceFile(path, keysText([...keys, key]));
  return true;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
