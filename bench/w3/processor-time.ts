// Processor time and bytes written of processes, from /proc (Linux): ticks of 10 ms, so only long runs tell much.

import { readFileSync, readdirSync } from 'node:fs';

/** Process ids by what they are; the children of each count as well. */
export type Processes = Readonly<Record<string, readonly number[]>>;

interface Stat { readonly parent: number; readonly seconds: number; readonly reapedSeconds: number }

const ticksPerSecond = 100;

function statOf(pid: number): Stat {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    return { parent: fields[1] ?? 0, seconds: ((fields[11] ?? 0) + (fields[12] ?? 0)) / ticksPerSecond, reapedSeconds: ((fields[13] ?? 0) + (fields[14] ?? 0)) / ticksPerSecond };
  } catch {
    return { parent: 0, seconds: 0, reapedSeconds: 0 };
  }
}

function everyPid(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

const readingsMax = 20;

/** Seconds of processor time so far, user and system, of each and its children. */
export function processorSeconds(processes: Processes): Readonly<Record<string, number>> {
  const parents = Object.values(processes).flat();
  for (let readings = 1; ; readings += 1) {
    const own = new Map(parents.map((pid) => [pid, statOf(pid)]));
    const all = everyPid().map(statOf);
    // A child that ended meanwhile would count twice, or not at all: as itself, and in what its parent has reaped.
    if (readings < readingsMax && parents.some((pid) => statOf(pid).reapedSeconds !== own.get(pid)?.reapedSeconds)) continue;
    return Object.fromEntries(Object.entries(processes).map(([label, pids]) => [label, pids.reduce((sum, pid) => {
      const { seconds, reapedSeconds } = own.get(pid) as Stat;
      const children = pid === process.pid ? 0 : reapedSeconds + all.filter(({ parent }) => parent === pid).reduce((total, child) => total + child.seconds, 0);
      return sum + seconds + children;
    }, 0)]));
  }
}

/** Bytes that each and its children have caused to be written to disk so far; null where the system does not let us see. */
export function bytesWritten(processes: Processes): number | null {
  const all = everyPid().map((pid) => ({ pid, ...statOf(pid) }));
  let sum = 0;
  for (const pid of new Set(Object.values(processes).flat())) {
    const children = pid === process.pid ? [] : all.filter(({ parent }) => parent === pid);
    for (const one of [pid, ...children.map((child) => child.pid)]) {
      try {
        sum += Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${one}/io`, 'utf8'))?.[1] ?? 0);
      } catch (error) {
        // Ended meanwhile: what it wrote is lost to us, and little. Forbidden: nothing can be said at all.
        if ((error as NodeJS.ErrnoException).code === 'EACCES') return null;
      }
    }
  }
  return sum;
}

/** Seconds that the machine's processors were busy (with anything) and idle so far. */
export function machineSeconds(): { readonly busy: number; readonly idle: number } {
  const [, user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softIrq = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/).map(Number);
  return { busy: (user + nice + system + irq + softIrq) / ticksPerSecond, idle: (idle + waiting) / ticksPerSecond };
}
