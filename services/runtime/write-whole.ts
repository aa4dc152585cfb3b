// Small files that are there whole, as they were or as they shall be, whatever crashes and whenever the power goes.

import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a file of mode 0600 in the place of another or none; durable when it resolves. Tests give another `sync`. */
export async function writeWhole(path: string, text: string, sync: (folder: string) => Promise<void> = syncFolder): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  // A new name is the folder's, which has to reach the disk by itself.
  await sync(dirname(path));
}

/** Flushes the names of a folder's files. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
