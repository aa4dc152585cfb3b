// A server process that cannot outlive us. It is started through a shell that leaves a watcher behind and then
// becomes the server (same pid, same signals). The watcher reads a pipe whose other end only we hold: when we end
// without a word, even by SIGKILL, it kills the server and removes its scratch folder. A line on the pipe lets it go.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';

// The watcher is an orphan on purpose: servers do not expect children that they never started.
const leash = `
( ( read -r word <&3 || {
      kill -s "$1" $$
      for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ || break; sleep 0.2; done
      test -z "$2" || rm -rf -- "$2"
    } ) >/dev/null 2>&1 & )
shift 2
exec "$@" 3<&-
`;

export interface LeashedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Receives stdout and stderr, appended. */
  readonly logFile: string;
  /** What the watcher sends when we are gone. */
  readonly orphanSignal: 'KILL' | 'QUIT';
  /** What the watcher removes when we are gone; a folder that nobody else uses. */
  readonly scratchDir?: string;
  readonly runAs?: { readonly uid: number; readonly gid: number };
}

export interface LeashedProcess {
  readonly pid: number;
  /** Resolves with a sentence about the end, once the process has ended. */
  readonly exited: Promise<string>;
  /** The same sentence, or undefined while it runs. */
  ending(): string | undefined;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal, waits, and kills what is still there after `graceMs`. */
  end(signal: NodeJS.Signals, graceMs: number): Promise<void>;
}

/** Starts the command in a session of its own, so that a Ctrl-C meant for us does not reach it before we say so. */
export async function startLeashed(wanted: LeashedCommand): Promise<LeashedProcess> {
  const log = openSync(wanted.logFile, 'a');
  const child = spawn(
    '/bin/sh',
    ['-c', leash, 'leash', wanted.orphanSignal, wanted.scratchDir ?? '', wanted.command, ...wanted.args],
    { stdio: ['ignore', log, log, 'pipe'], detached: true, env: wanted.env ?? process.env, cwd: '/', ...wanted.runAs },
  );
  closeSync(log);
  const pipe = child.stdio[3] as Socket; // not stdin, which Node closes before it tells of the exit
  let ended: string | undefined;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = signal === null ? `ended with exit code ${code}` : `ended by ${signal}`;
      pipe.end('done\n');
      resolve(ended);
    });
  });
  pipe.on('error', () => undefined); // the watcher may be gone already
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  // A server that someone forgot to stop must not keep this process alive: it ends with us anyway.
  child.unref();
  pipe.unref();
  const signal = (name: NodeJS.Signals): void => {
    if (ended === undefined) child.kill(name);
  };
  return {
    pid: child.pid as number,
    exited,
    ending: () => ended,
    signal,
    end: (name, graceMs) => endWithin(child, { exited, signal: () => signal(name), kill: () => signal('SIGKILL'), graceMs }),
  };
}

async function endWithin(
  child: ChildProcess,
  { exited, signal, kill, graceMs }: { exited: Promise<string>; signal: () => void; kill: () => void; graceMs: number },
): Promise<void> {
  child.ref();
  signal();
  const timer = setTimeout(kill, graceMs);
  await exited;
  clearTimeout(timer);
}

/** The end of a log file, for error messages. Empty when there is none. */
export function tailOf(logFile: string, bytesMax = 4_000): string {
  let file: number;
  try {
    file = openSync(logFile, 'r');
  } catch {
    return '';
  }
  try {
    const size = fstatSync(file).size;
    const bytes = Buffer.alloc(Math.min(size, bytesMax));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').trimEnd();
  } finally {
    closeSync(file);
  }
}
