import { setTimeout as sleep } from 'node:timers/promises';

/** A broker shows a moment later what its controller has accepted: for so long it may show what was there before, ms. */
export const shownWithinMs = 5_000;

/** Looks until what is seen is what was asked for, or the time is over; returns what it saw last. */
export async function onceShown<T>(look: () => Promise<T>, isShown: (seen: T) => boolean): Promise<T> {
  const deadlineMs = performance.now() + shownWithinMs;
  let seen = await look();
  for (; !isShown(seen) && performance.now() < deadlineMs; seen = await look()) await sleep(20);
  return seen;
}
