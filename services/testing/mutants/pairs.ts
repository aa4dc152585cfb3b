// Redundant guards mask each other: without one of them nothing goes wrong as long as the other stands. So guards of
// one property are taken away together as well, and it is said which of them nobody misses alone.

import type { Checker, Mutant } from './mutant.js';

export interface Pair {
  /** What both guard. */
  readonly guards: string;
  /** Ids of mutants or guards. */
  readonly of: readonly [string, string];
  readonly caughtBy: Checker;
}

const judge = 'orchestrator/judge.js';
const owner = 'orchestrator/partition-owner.js';
const load = 'orchestrator/load-snapshot.js';

/** Guards whose absence alone may stay unseen. */
export const guards: readonly Mutant[] = [
  { id: 'fold-takes-any-time', breaks: 'R8', caughtBy: 'I11', edits: [['orchestrator/evolve.js', 'if (fact.atMs > state.timeMs)\n        state.timeMs = fact.atMs;', 'state.timeMs = fact.atMs;']] },
  { id: 'tick-that-is-lost-is-not-sent-again', breaks: 'R8', caughtBy: 'live', edits: [['orchestrator/tick-timer.js', 'logger.warn({ partition: this.partition, error }', 'return; logger.warn({ partition: this.partition, error }']] },
  { id: 'self-verification-not-checked', breaks: 'gate', caughtBy: 'I3', edits: [[judge, "return refuse('self-verification');", ';']] },
  { id: 'kind-of-answer-not-checked', breaks: 'gate', caughtBy: 'I4', edits: [[judge, 'const fits =', 'const fits = true ||']] },
  { id: 'verdicts-not-counted', breaks: 'gate', caughtBy: 'I4', edits: [[judge, 'if (judged.size !== claim.verdicts.length || judged.size !== shown.size)', 'if (false)']] },
  { id: 'key-not-checked', breaks: 'gate', caughtBy: 'I4', edits: [['orchestrator/inspect.js', 'key.equals(Buffer.from(claim.job)) && ', '']] },
  { id: 'partition-not-checked', breaks: 'gate', caughtBy: 'I4', edits: [['orchestrator/inspect.js', '&& partitionFor(key, options.partitions) === partition', '']] },
  { id: 'answer-of-an-earlier-take-counts', breaks: 'R5', caughtBy: 'I6', edits: [[owner, 'if (take !== this.#take)\n            return null;', '']] },
  { id: 'fold-accepts-an-open-job', breaks: 'R9', caughtBy: 'I1', edits: [['orchestrator/evolve.js', 'if (state.jobs.has(fact.job))\n        return;', '']] },
  { id: 'snapshot-signature-not-checked', breaks: 'R10', caughtBy: 'R10', edits: [[load, '!options.keyring.verify(header.signer, header.signature, snapshotText(header))', 'false']] },
  { id: 'snapshot-not-compared-with-its-header', breaks: 'R10', caughtBy: 'R10', edits: [[load, 'return isSame ?', 'return true ?']] },
];

export const pairs: readonly Pair[] = [
  { guards: 'time never goes back (R8)', of: ['fold-takes-any-time', 'time-falls-back'], caughtBy: 'I11' },
  { guards: 'a restored partition sees its deadlines (R8)', of: ['timer-lost-on-restart', 'tick-that-is-lost-is-not-sent-again'], caughtBy: 'live' },
  { guards: 'nobody verifies work of their own', of: ['self-verification-not-checked', 'signer-not-the-one-asked'], caughtBy: 'I3' },
  { guards: 'an answer is of the kind that was asked for', of: ['kind-of-answer-not-checked', 'signer-not-the-one-asked'], caughtBy: 'I4' },
  { guards: 'verdicts are about what was shown', of: ['verdicts-not-counted', 'verdict-for-another-hash'], caughtBy: 'I4' },
  { guards: 'a claim lies where its job belongs', of: ['key-not-checked', 'partition-not-checked'], caughtBy: 'I4' },
  { guards: 'an answer from before counts for nothing (R4, R5)', of: ['answer-of-an-earlier-take-counts', 'contiguity-check-off'], caughtBy: 'I6' },
  { guards: 'a job that is open is not accepted again (R9)', of: ['fold-accepts-an-open-job', 'open-job-submitted-again'], caughtBy: 'I1' },
  { guards: 'a snapshot that somebody else wrote is not read (R10)', of: ['snapshot-signature-not-checked', 'snapshot-not-compared-with-its-header'], caughtBy: 'R10' },
];
