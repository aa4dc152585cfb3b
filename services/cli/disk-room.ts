// How much room a folder's disk has. A start without any would not fail in words: the log is mapped into memory, and a
// page for which there is no room ends the process.

import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Below it nothing is started: a database that is new takes 45 MiB, one that is there goes on with less. */
export const roomBytesMin = 64 * 1024 * 1024;

/** Bytes that this user may still write where `path` is, or will be made; Infinity where the system does not say. */
export async function roomBytes(path: string): Promise<number> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const isThere = await stat(at).then(() => true, () => false);
    if (!isThere && dirname(at) !== at) continue;
    return statfs(at).then(({ bavail, bsize }) => bavail * bsize, () => Infinity);
  }
}

export function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024)} MiB`;
}
