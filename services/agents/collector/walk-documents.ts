// Finds the files under a folder without ever leaving it: links are resolved and followed only to targets inside,
// folders are entered once, hidden folders and node_modules below the folder are left out, and counts are bounded.

import { constants } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { SkipReason } from '../../../workflows/brief/contracts.js';
import { limits } from '../../../workflows/brief/limits.js';
import { mediaTypeOf } from '../../../workflows/brief/read-document.js';
import { isSafeLine } from '../../../workflows/brief/safe-text.js';

export interface FoundFile {
  /** Path inside the folder, with `/`. */
  readonly id: string;
  /** Real, absolute path. */
  readonly path: string;
}

export interface SkippedFile {
  readonly id: string;
  readonly reason: SkipReason;
}

export interface FoundFiles {
  readonly files: readonly FoundFile[];
  readonly skipped: readonly SkippedFile[];
}

const entriesMax = 50_000;
const depthMax = 32;

/** True when `path` is `folder` or lies inside it; both real and absolute. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Files with a known media type below `root` (a real path), in a stable order. */
export async function walkDocuments(root: string, signal: AbortSignal): Promise<FoundFiles> {
  const walk = { root, signal, files: [] as FoundFile[], skipped: [] as SkippedFile[], seen: new Set<string>(), entries: 0 };
  await walkFolder(walk, root, '', 0);
  return { files: walk.files, skipped: walk.skipped };
}

interface Walk extends FoundFiles {
  readonly root: string;
  readonly signal: AbortSignal;
  readonly files: FoundFile[];
  readonly skipped: SkippedFile[];
  readonly seen: Set<string>;
  entries: number;
}

async function walkFolder(walk: Walk, folder: string, prefix: string, depth: number): Promise<void> {
  if (walk.seen.has(folder) || depth > depthMax) return;
  walk.seen.add(folder);
  const names = (await readdir(folder)).sort();
  for (const name of names) {
    walk.signal.throwIfAborted();
    if ((walk.entries += 1) > entriesMax) return;
    if (name.startsWith('.') || name === 'node_modules') continue;
    await visit(walk, join(folder, name), prefix === '' ? name : `${prefix}/${name}`, depth);
  }
}

async function visit(walk: Walk, path: string, id: string, depth: number): Promise<void> {
  const skip = (reason: SkipReason): void => {
    if (walk.skipped.length < limits.documentsMax && id.length <= limits.pathCharactersMax && isSafeLine(id)) walk.skipped.push({ id, reason });
  };
  try {
    const real = await realpath(path);
    if (!isInside(walk.root, real)) return skip('outside-root');
    const stat = await lstat(real);
    if (stat.isDirectory()) return await walkFolder(walk, real, id, depth + 1);
    if (mediaTypeOf(id) === null || mediaTypeOf(real) === null) return skip('unsupported-type');
    if (!stat.isFile()) return skip('unreadable');
    // Its name could not be shown safely, so the name is left out with it.
    if (!isSafeLine(id) || id.length > limits.pathCharactersMax) return;
    if (walk.files.length >= limits.documentsMax) return skip('limit-reached');
    walk.files.push({ id, path: real });
  } catch (error) {
    walk.signal.throwIfAborted();
    if (error instanceof Error) skip('unreadable');
  }
}

export interface FileBytes {
  readonly bytes: Uint8Array;
  readonly modifiedAtMs: number;
}

/** Reads a file once, at most one byte above the limit; never follows a link that was put there meanwhile, never blocks on a pipe. */
export async function readFileBounded(path: string): Promise<FileBytes | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (handle === null) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return null;
    const buffer = Buffer.alloc(Math.min(stat.size, limits.documentBytesMax) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    return { bytes: buffer.subarray(0, length), modifiedAtMs: Math.max(0, Math.floor(stat.mtimeMs)) };
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}
