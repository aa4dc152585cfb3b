// At most one holder of a directory at a time, without a stale lock ever. The lock is a reader slot of a small LMDB
// file: LMDB proves a slot's process alive by a lock of the operating system on the file, which the kernel drops
// however the process ends, and slots are looked at and taken under LMDB's own writer lock, which survives a killed
// holder as well. Neither a pid that is used again nor a container with its own pids can fool it.

import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { BlackboardError } from '../../errors.js';

/** Held in this process: LMDB shares an environment within a process, so its slots do not tell our own apart. */
const heldHere = new Set<string>();

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Makes the directory where it is missing. @throws BlackboardError LOG_LOCKED, with the holder's pid. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  mkdirSync(directory, { recursive: true });
  const path = realpathSync(directory);
  if (heldHere.has(path)) throw locked(path, process.pid);
  heldHere.add(path);
  const environment = open({ path: join(path, 'owner.lock'), noSubdir: true, encoding: 'binary' });
  const held = environment.transactionSync(() => {
    environment.readerCheck();
    const holder = /^\s*(\d+)\s/m.exec(environment.readerList())?.[1];
    return holder === undefined ? environment.useReadTransaction() : Number(holder);
  });
  const release = async (): Promise<void> => {
    if (typeof held !== 'number') held.done();
    await environment.close();
    heldHere.delete(path);
  };
  if (typeof held === 'number') {
    await release();
    throw locked(path, held);
  }
  return { release };
}

function locked(directory: string, pid: number): BlackboardError {
  return new BlackboardError(
    'LOG_LOCKED', `the log in ${directory} is open in process ${String(pid)}; stop that process or use another directory`, { directory, pid },
  );
}
