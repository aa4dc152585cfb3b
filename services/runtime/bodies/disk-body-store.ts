// Bodies as files named by their hash: written beside, synced, renamed, and the folder synced before `put` answers.
// A file under its name is whole; what a crash leaves behind is under `incoming` and removed at the next opening.

import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { contentHash } from '../../blackboard/ids.js';
import type { BodyStore } from '../body-store.js';
import { BlackboardError } from '../errors.js';
import { checkHashes, isBodyHash } from './check-hashes.js';

const filesAtOnceMax = 16;

/** Opens (and makes) a store in a folder that only this process uses. */
export async function openDiskBodyStore(folder: string): Promise<BodyStore> {
  const incoming = join(folder, 'incoming');
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true });
  await syncFolder(folder);
  return {
    put: async (bodies) => {
      checkHashes(bodies);
      const byHash = new Map(bodies.map((body) => [body.hash, body]));
      const queue = [...byHash.values()];
      const worker = async (): Promise<void> => {
        for (let body = queue.pop(); body !== undefined; body = queue.pop()) await store(folder, body);
      };
      const outcomes = await Promise.allSettled(Array.from({ length: Math.min(filesAtOnceMax, queue.length) }, worker));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      for (const shard of new Set([...byHash.keys()].map((hash) => dirname(pathOf(folder, hash))))) await syncFolder(shard);
    },
    get: async (hash) => (isBodyHash(hash) ? read(pathOf(folder, hash), hash) : null),
    close: async () => undefined,
  };
}

/** 65,536 shards: a folder of a store with 100 M bodies holds about 1,500 files. */
function pathOf(folder: string, hash: string): string {
  return join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);
}

async function store(folder: string, body: { readonly hash: string; readonly bytes: Uint8Array }): Promise<void> {
  const path = pathOf(folder, body.hash);
  const now = new Date();
  // Bodies expire by when they were put last. A file that is there is whole; its folder is synced by the caller
  // all the same, since whoever renamed it may not have come that far.
  const isThere = await utimes(path, now, now).then(() => true, ignoreMissing);
  if (isThere) return;
  await makeShard(folder, dirname(path));
  const draft = join(folder, 'incoming', randomUUID());
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(body.bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

async function makeShard(folder: string, shard: string): Promise<void> {
  if ((await mkdir(shard, { recursive: true })) === undefined) return;
  await syncFolder(dirname(shard));
  await syncFolder(folder);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function read(path: string, hash: string): Promise<Buffer | null> {
  const bytes = await readFile(path).catch(ignoreMissing);
  if (bytes === false) return null;
  if (contentHash(bytes) !== hash) {
    throw new BlackboardError('BODY_NOT_FOUND', `the file of body ${hash} holds other bytes: the disk or somebody changed it. It is not served. Restore it from a backup of the body store.`, { hash });
  }
  return bytes;
}

function ignoreMissing(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}
