// A file that others read takes a new text as a whole, and stays what it was to them: the same place, through whatever
// links lead there, the same owner and group, and no right less but those of everybody.

import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { CliError } from './exit-codes.js';
import { foreign } from './terminal.js';

export interface Replacement {
  /** Where the text lies, on disk, until it takes its place. */
  readonly beside: string;
  takePlace(): Promise<void>;
  discard(): Promise<void>;
}

/** Lays a text beside the file that it will replace; that one is as it was. @throws CliError refused */
export async function layBeside(path: string, text: string): Promise<Replacement> {
  const place = await realpath(path).catch((error: unknown) => ifMissing(error, path));
  const found = await stat(place).catch((error: unknown) => ifMissing(error, null));
  const beside = `${place}.new-${randomBytes(6).toString('hex')}`;
  const discard = async (): Promise<void> => await rm(beside, { force: true });
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(text);
      if (found !== null) await giveTo(file, found, place);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return { beside, discard, takePlace: async () => await rename(beside, place) };
}

/** Replaces a file as a whole, or leaves it as it was. @throws CliError refused */
export async function replaceFile(path: string, text: string): Promise<void> {
  const replacement = await layBeside(path, text);
  try {
    await replacement.takePlace();
  } catch (error) {
    await replacement.discard();
    throw error;
  }
}

interface Owned { readonly uid: number; readonly gid: number; readonly mode: number }

/** A service that reads the file as another user, or through its group, must read what takes its place. */
async function giveTo(file: FileHandle, { uid, gid, mode }: Owned, path: string): Promise<void> {
  const made = await file.stat();
  try {
    if (made.uid !== uid || made.gid !== gid) await file.chown(uid, gid);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError('refused', `${foreign(path)} is user ${uid}'s and group ${gid}'s, and this user may not make a file for them (${code ?? 'unknown'}): whoever reads it could not any more; it is as it was`, 'Run this as its owner, or as root.');
  }
  // After its owner: a change of that may take rights away. And not by open: the umask would.
  await file.chmod(mode & 0o770);
}

function ifMissing<T>(error: unknown, value: T): T {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return value;
  throw error;
}
