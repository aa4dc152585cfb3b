// What the operating system said no to, in words: which file or port, and what to do. Without this, a folder that is
// missing or a port that is taken would look like a fault of ours.

import { forTerminal } from './sanitize.js';

export interface SystemRefusal {
  readonly kind: 'usage' | 'notFound' | 'refused' | 'failed';
  readonly of: 'file' | 'disk' | 'port';
  /** The system's own name for it; of a disk without room `DISK_FULL`. */
  readonly code: string;
  readonly message: string;
  /** What to do now. */
  readonly hint: string;
}

type Words = readonly [kind: SystemRefusal['kind'], problem: string, hint: string];

const ofPaths: Readonly<Record<string, Words>> = {
  ENOENT: ['notFound', 'it, or the folder it is in, does not exist', 'Check the spelling, or make the folder first.'],
  EACCES: ['refused', 'this user has no right to it', 'Name another place, or give this user the right.'],
  EPERM: ['refused', 'this user has no right to it', 'Name another place, or give this user the right.'],
  EROFS: ['refused', 'its file system is read-only', 'Name a place that can be written.'],
  EEXIST: ['usage', 'a file is in the way', 'Name a folder, or one that is to be made.'],
  ENOTDIR: ['usage', 'a part of the path is a file', 'Name a folder, or one that is to be made.'],
  EISDIR: ['usage', 'it is a folder', 'Name a file.'],
};

const ofPorts: Readonly<Record<string, Words>> = {
  EADDRINUSE: ['refused', 'another process has it', 'Stop that one, or choose another port; 0 takes any free one.'],
  EACCES: ['refused', 'this user may not listen there', 'Choose a port above 1023; 0 takes any free one.'],
  EADDRNOTAVAIL: ['usage', 'this machine has no such address', 'Bind to 127.0.0.1, or to an address of this machine.'],
  ENOTFOUND: ['usage', 'no such name is known', 'Bind to 127.0.0.1, or to an address of this machine.'],
};

/** Null when it is no error of the system about a file, a disk or a port. */
export function systemRefusal(error: unknown): SystemRefusal | null {
  const { code, path, syscall, address, port, hostname, message } = (error ?? {}) as NodeJS.ErrnoException & { readonly address?: string; readonly port?: number; readonly hostname?: string };
  if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left on device/i.test(message ?? '')) {
    return { kind: 'failed', of: 'disk', code: 'DISK_FULL', message: `no space is left on the disk${path === undefined ? '' : ` of ${shown(path)}`}`, hint: 'Free some, or name a folder on another disk; what was written before is safe.' };
  }
  const isListening = syscall === 'listen' || (syscall === 'getaddrinfo' && path === undefined);
  const words = code === undefined ? undefined : isListening ? ofPorts[code] : path === undefined ? undefined : ofPaths[code];
  if (code === undefined || words === undefined) return null;
  const [kind, problem, hint] = words;
  const place = isListening ? `${shown(address ?? hostname ?? '')}${port === undefined ? '' : `:${port}`} cannot be bound` : `${shown(path ?? '')} cannot be used`;
  return { kind, of: isListening ? 'port' : 'file', code, message: `${place}: ${problem}`, hint };
}

function shown(text: string): string {
  return forTerminal(text, 400);
}
