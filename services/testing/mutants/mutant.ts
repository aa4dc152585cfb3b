// A planted bug: one small change of the compiled runtime, made while it is loaded, that its tagged checker must see.

export const rules = ['R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8', 'R9', 'R10', 'R11', 'R12'] as const;

/** What a bug breaks: a numbered rule, the gate's judgement, the conductor's moves, the rows, the log's own promise, or the gateway's door. */
export type Broken = (typeof rules)[number] | 'gate' | 'conduct' | 'rows' | 'log' | 'gateway';

/** What speaks up in the simulation: invariants, rules, `log` (an anomaly of the log itself), `live` (it does not come to rest), `halt` (a process stops that should not). */
export const checkers = [
  'I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I11', 'I12', 'I13', 'I14', 'I15', 'I16', 'I17', 'I18', 'R1', 'R2', 'R5', 'R6', 'R7', 'R10', 'R11', 'R12', 'log', 'live', 'halt',
] as const;

export type Checker = (typeof checkers)[number];

/** Text of a module under `services/`, compiled, that occurs in it once; and what stands there instead. */
export type Edit = readonly [file: string, find: string, replace: string];

/** For what the simulation models or has no part in: a compiled test under `services/`, and how the title of the one that must fail begins. */
export interface CatchingTest {
  readonly test: string;
  readonly title: string;
}

export interface Mutant {
  readonly id: string;
  readonly breaks: Broken;
  /** What must be among those that see it. */
  readonly caughtBy: Checker | CatchingTest;
  readonly edits: readonly Edit[];
}
