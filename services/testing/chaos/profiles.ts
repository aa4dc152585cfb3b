import type { ChaosOptions } from './run-chaos.js';

export type Profile = Pick<ChaosOptions, 'jobs' | 'planMs' | 'sessionTimeoutMs' | 'pace' | 'drainMs'>;

/** The whole: a storm of 40 s and 12 s of quiet, again and again, while jobs are submitted at some 42 a second. */
export function fullProfile(jobs = 20_000): Profile {
  return { jobs, planMs: jobs * 24, sessionTimeoutMs: 5_000, pace: { stormMs: 40_000, quietMs: 12_000, haste: 1 }, drainMs: 240_000 };
}

/** Everything at least once, in a minute. */
export function shortProfile(jobs = 1_500): Profile {
  return { jobs, planMs: jobs * 27, sessionTimeoutMs: 4_000, pace: { stormMs: 30_000, quietMs: 5_000, haste: 0.6 }, drainMs: 120_000 };
}
