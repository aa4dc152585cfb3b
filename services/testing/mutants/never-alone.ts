import type { Checker } from './mutant.js';

/** Checkers that are not the only one to see any bug, and why they stand there all the same. */
export const neverAlone: Readonly<Partial<Record<Checker, string>>> = {
  I13: 'a claim that is not the one decided on is another decision as well when it is taken again (I6); I13 names the record',
  R5: 'what is sent before the answer to the send before it rests on offsets that nobody knows yet, and is wrong as well (I6, I7); R5 names the send',
  I2: 'what a log lost, made up or misplaced is an anomaly with a name as well (log), found by other code; I2 says it append by append, which is how a client asks',
  log: 'an anomaly of the log is something that its clients were told wrongly as well (I2); it has its name from there',
};
