// What a load costs that is not in the processor's own caches. Virtual machines share the last of them with strangers:
// where 8 MiB are as far away as 64, everything that runs through much code and data is slower, by an hour's luck.

import type { Figures } from '../w3/measure.js';

const sizesMiB = [1, 8, 64] as const;
/** Words of four bytes in a cache line. */
const lineWords = 16;
const loads = 300_000;

/** Nanoseconds per load, each from an address that the load before has told, by how much memory they are spread over. */
export function memoryLoads(): Figures {
  return Object.fromEntries(sizesMiB.map((mib) => [`loadFrom${mib}MiBNs`, loadNs(mib)]));
}

function loadNs(mib: number): number {
  const lines = (mib * 2 ** 20) / 4 / lineWords;
  const words = oneRound(lines);
  let at = 0;
  // The first round brings into the caches what fits.
  for (let step = 0; step < lines; step += 1) at = words[at] as number;
  const sinceMs = performance.now();
  for (let step = 0; step < loads; step += 1) at = words[at] as number;
  const tookMs = performance.now() - sinceMs;
  if (at % lineWords !== 0) throw new Error('a walk through memory left the beginnings of its lines');
  return (tookMs * 1e6) / loads;
}

/** The first word of each line names that of another, so that one walk meets all of them in no order (Sattolo's shuffle). */
function oneRound(lines: number): Uint32Array {
  const words = new Uint32Array(lines * lineWords);
  const order = Uint32Array.from({ length: lines }, (_, line) => line);
  for (let last = lines - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * last);
    const line = order[last] as number;
    order[last] = order[other] as number;
    order[other] = line;
  }
  for (let line = 0; line < lines; line += 1) words[line * lineWords] = (order[line] as number) * lineWords;
  return words;
}
