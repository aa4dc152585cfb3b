// Every I/O seam of a process has a name, so that a crash can be put before or after each one, in a simulation and
// in a real process alike.

export type SeamSide = 'before' | 'after';
/** Called around each I/O; may throw or end the process in tests. */
export type Seams = (name: string, side: SeamSide) => void;

export const noSeams: Seams = () => undefined;

/**
 * Reads `BLACKBOARD_KILL_AT=name:side:count` (for crash tests of real processes): SIGKILLs this process at the
 * count-th time that side of that seam is reached. Anything else: no seams.
 */
export function seamsFromEnvironment(env: Readonly<Record<string, string | undefined>>): Seams {
  const [name, side, count] = (env['BLACKBOARD_KILL_AT'] ?? '').split(':');
  if (name === undefined || name === '') return noSeams;
  let left = Number(count ?? '1');
  return (reached, at) => {
    if (reached === name && at === side && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

/** Runs one I/O between the two sides of its seam. */
export async function through<T>(seams: Seams, name: string, io: () => Promise<T>): Promise<T> {
  seams(name, 'before');
  const result = await io();
  seams(name, 'after');
  return result;
}
