// The folder of a local server: the caller's, kept; or a scratch folder, removed when the server is stopped for good.
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface ServerFolder {
  readonly dir: string;
  /** Set when the folder is ours to remove. */
  readonly scratchDir?: string;
  /** Removes a scratch folder; leaves the caller's alone. */
  discard(): void;
}

/** Makes the folder, readable by its owner alone. Never inside the project: without `dir` it is in the system's temporary folder. */
export function serverFolder(name: string, { dir, owner }: { dir?: string | undefined; owner?: { uid: number; gid: number } | undefined } = {}): ServerFolder {
  const made = dir === undefined ? mkdtempSync(join(tmpdir(), `blackboard-${name}-`)) : resolve(dir);
  mkdirSync(made, { recursive: true, mode: 0o700 });
  if (owner !== undefined) chownSync(made, owner.uid, owner.gid);
  if (dir !== undefined) return { dir: made, discard: () => undefined };
  return { dir: made, scratchDir: made, discard: () => rmSync(made, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}
