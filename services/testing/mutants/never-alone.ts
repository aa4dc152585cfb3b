import type { Checker } from './mutant.js';

/** Checkers that can never be the only one to see a bug of the runtime, and why they stand there all the same. */
export const neverAlone: Readonly<Partial<Record<Checker, string>>> = {
  I13: 'a claim that is not the one decided on is also another decision when it is taken again (I6); I13 names the record',
};
