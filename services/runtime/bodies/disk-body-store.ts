// Bodies as files named by their hash: written beside, synced, renamed, and the folder, with the folders that name it,
// synced before `put` answers.
// A file gets its name when it is whole, and is replaced by the next put when it is not any more; what a crash leaves behind is under `incoming` and removed at the next opening.

import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { contentHash } from '../../blackboard/ids.js';
import type { BodyStore } from '../body-store.js';
import { BlackboardError } from '../errors.js';
import { syncFolder } from '../write-whole.js';
import { checkHashes, isBodyHash } from './check-hashes.js';

const filesAtOnceMax = 16;

/** Opens (and makes) a store in a folder that only this process uses. `sync` flushes a folder's entries; tests delay it. */
export async function openDiskBodyStore(folder: string, sync: (path: string) => Promise<void> = syncFolder): Promise<BodyStore> {
  const incoming = join(folder, 'incoming');
  await rm(incoming, { recursive: true, force: true });
  const made = await mkdir(incoming, { recursive: true });
  for (const above of foldersNaming(resolve(folder), resolve(made ?? incoming))) await sync(above);
  const entries = new DurableEntries(sync);
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
      for (const shard of new Set([...byHash.keys()].map((hash) => dirname(pathOf(folder, hash))))) {
        await entries.of(dirname(shard));
        await entries.of(shard);
        await sync(shard);
      }
    },
    get: async (hash) => (isBodyHash(hash) ? read(pathOf(folder, hash), hash) : null),
    close: async () => undefined,
  };
}

/**
 * The store's folder and those that name it, from the parent of the topmost that was just made; its own parent always,
 * since who made the folder may have been killed before it was synced.
 */
function foldersNaming(folder: string, made: string): readonly string[] {
  const top = dirname(made.length < folder.length ? made : folder);
  const all = [folder];
  for (let at = folder; at.length > top.length;) {
    at = dirname(at);
    all.unshift(at);
  }
  return all;
}

/** 65,536 shards: a folder of a store with 100 M bodies holds about 1,500 files. */
function pathOf(folder: string, hash: string): string {
  return join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);
}

async function store(folder: string, body: { readonly hash: string; readonly bytes: Uint8Array }): Promise<void> {
  const path = pathOf(folder, body.hash);
  const now = new Date();
  // Bodies expire by when they were put last. The folder of a file that is there is synced by the caller all the same,
  // since whoever renamed it may not have come that far.
  const isThere = await utimes(path, now, now).then(() => true, ignoreMissing);
  if (isThere && await holds(path, body.bytes)) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = join(folder, 'incoming', randomUUID());
  try {
    await writeSynced(draft, body.bytes);
    await rename(draft, path);
  } catch (error) {
    // On a full disk each try would leave a part of a body, and the next have less room.
    await rm(draft, { force: true });
    throw error;
  }
}

/** False of a file that the disk or somebody has changed: answered as stored, its body could never be read again. */
async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return (await stat(path)).size === bytes.length && (await readFile(path)).equals(bytes);
  } catch (error) {
    // EIO: a part of the disk that cannot be read any more. A new file lies elsewhere.
    if (['ENOENT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * The entries of folders, in the folders above them, that are known to outlive a loss of power. That a folder is there
 * says nothing: another put may just have made it, or a process that was killed before it came further.
 */
class DurableEntries {
  readonly #known = new Map<string, Promise<void>>();

  constructor(private readonly sync: (path: string) => Promise<void>) {}

  /** Resolves when the entry of a folder that is there is durable. */
  of(path: string): Promise<void> {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const synced = this.sync(dirname(path));
    this.#known.set(path, synced);
    synced.catch(() => this.#known.delete(path));
    return synced;
  }
}

async function read(path: string, hash: string): Promise<Buffer | null> {
  const bytes = await readFile(path).catch(ignoreMissing);
  if (bytes === false) return null;
  if (contentHash(bytes) !== hash) {
    throw new BlackboardError('BODY_NOT_FOUND', `the file of body ${hash} holds other bytes: the disk or somebody changed it. It is not served. Put the body again, or restore the file from a backup of the body store.`, { hash });
  }
  return bytes;
}

function ignoreMissing(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}
