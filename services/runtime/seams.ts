// Every I/O seam of a process has a name (seam-names.ts), so that a crash can be put before or after each one, in a
// simulation and in a real process alike.

import { BlackboardError } from './errors.js';
import { isSeamName, type SeamName } from './seam-names.js';

export type SeamSide = 'before' | 'after';
/** Called around each I/O; may throw or end the process in tests. */
export type Seams = (name: SeamName, side: SeamSide) => void;

/** A crash at the count-th time that this side of this seam is reached. */
export interface Kill {
  readonly name: SeamName;
  readonly side: SeamSide;
  readonly count: number;
}

export const noSeams: Seams = () => undefined;

/** SIGKILLs this process at the kill's place. */
export function killingSeams(kill: Kill): Seams {
  let left = kill.count;
  return (name, side) => {
    if (name === kill.name && side === kill.side && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

/**
 * Reads `BLACKBOARD_KILL_AT=name:side:count` (for crash tests of real processes). Not set: no seams.
 * @throws BlackboardError CONFIG_INVALID: a crash that never comes would be taken for one that was survived.
 */
export function seamsFromEnvironment(env: Readonly<Record<string, string | undefined>>): Seams {
  const text = env['BLACKBOARD_KILL_AT'] ?? '';
  return text === '' ? noSeams : killingSeams(parseKill(text));
}

export function parseKill(text: string): Kill {
  const [name = '', side = '', times = '1'] = text.split(':');
  const count = Number(times);
  if (!isSeamName(name) || (side !== 'before' && side !== 'after') || !Number.isSafeInteger(count) || count < 1) {
    throw new BlackboardError('CONFIG_INVALID', `BLACKBOARD_KILL_AT is "${text}"; write seam:before|after:count with a seam of services/runtime/seam-names.ts, or unset it`);
  }
  return { name, side, count };
}

export function killText({ name, side, count }: Kill): string {
  return `${name}:${side}:${count}`;
}

/** Runs one I/O between the two sides of its seam. Without seams nothing is added to it. */
export function through<T>(seams: Seams, name: SeamName, io: () => Promise<T>): Promise<T> {
  return seams === noSeams ? io() : between(seams, name, io);
}

async function between<T>(seams: Seams, name: SeamName, io: () => Promise<T>): Promise<T> {
  seams(name, 'before');
  const result = await io();
  seams(name, 'after');
  return result;
}
