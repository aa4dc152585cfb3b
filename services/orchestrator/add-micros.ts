/** The largest whole number that the codec takes for a long. */
export const longMax = Number.MAX_SAFE_INTEGER - 1;

/** Costs added up, at most what a long holds: amounts come from claims, and a fact must always encode. */
export function addMicros(a: number, b: number): number {
  return Math.min(a + b, longMax);
}
