// What a workflow file exports: the same file is simulated with `blackboard simulate --workflow` and put in force with
// `BLACKBOARD_WORKFLOWS`. This is the package's export `./workflow`.

import type { Agent, StepRequest } from '../services/agents/sdk/agent.js';
import type { Contract } from '../services/blackboard/contract.js';
import type { WorkflowInput } from '../services/blackboard/workflow.js';

export { defineWorkflow } from '../services/blackboard/workflow.js';
export type { Contract, WorkflowInput };

/** Exports of a workflow file. `workflow` or `workflows` is required; the last seven matter to the simulation alone. */
export interface WorkflowFile<Outside = unknown> {
  readonly workflow?: WorkflowInput;
  readonly workflows?: readonly WorkflowInput[];
  /** Those that ship are known without being listed. */
  readonly contracts?: readonly Contract<never>[];
  /** Markdown of a decoded body, by contract; JSON is shown where there is none. */
  readonly renderers?: Readonly<Record<string, (value: never) => string>>;
  /**
   * The real agents. A function is called without arguments in production, and in the simulation with the run's
   * `outside`, once for each process that starts: what it closes over is lost in a crash, as memory is.
   */
  readonly agents?: readonly Agent[] | ((outside?: Outside) => readonly Agent[]);

  /** Agents that the file leaves out on purpose: stubs answer for them. Without `agents`, all are stubs. */
  readonly stubbed?: readonly string[];
  /** A value of a contract for a stub to post, where none that is drawn from its Avro schema keeps its rules. */
  readonly stubs?: Readonly<Record<string, (random: Random, request: StepRequest | null) => unknown>>;
  /** Submitted in turn. Default: one job per workflow, with words for the parameters that it requires. */
  readonly jobs?: readonly { readonly workflow?: string; readonly params?: Readonly<Record<string, unknown>> }[];
  /** The systems that agents act on, as stand-ins: made anew for each seed, and not lost when a process dies. */
  readonly outside?: () => Outside;
  /** Answers `context.model`; without it there is no model. It may throw: no model is available then. */
  readonly model?: (request: { readonly system: string; readonly user: string; readonly name: string; readonly schema: unknown }, random: Random) => unknown;
  /** Checked for every job of every seed. */
  readonly expectations?: Readonly<Record<string, Expectation<Outside>>>;
}

/** From the seed: 0 up to 1. */
export type Random = () => number;

/** Holds: true or nothing. Broken: false, or a text that says how. It must be pure. */
export type Expectation<Outside = unknown> = (job: FinishedJob, outside: Outside) => boolean | string | void;

/** A job that has ended, from the facts that count. */
export interface FinishedJob {
  readonly job: string;
  /** Which life of the id, as agents see it in their requests. */
  readonly instance: number;
  readonly tenant: string;
  readonly workflow: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'degraded';
  readonly reason: string;
  readonly result: FinishedArtifact | null;
  /** All that became verified, in order. */
  readonly artifacts: readonly FinishedArtifact[];
  /** Requested steps, in order; `open`: the job ended before the step did. */
  readonly steps: readonly FinishedStep[];
  /** Requests that reached the model, whatever became of their answers. */
  readonly modelCalls: number;
  readonly history: readonly JobEvent[];
}

export interface FinishedArtifact {
  readonly step: string;
  readonly type: string;
  readonly contract: string;
  /** SHA-256 of the body. */
  readonly hash: string;
  /** Decoded; null where the body cannot be had. */
  readonly value: unknown;
  readonly producer: string;
  /** Empty: the gate's own checks were enough. */
  readonly verifier: string;
  readonly evidence: readonly { readonly source: string; readonly reference: string; readonly position: number }[];
  readonly confidence: number;
}

export interface FinishedStep {
  readonly step: string;
  readonly agent: string;
  readonly attempts: number;
  readonly state: 'completed' | 'failed' | 'open';
}

export interface JobEvent {
  /** Name of the fact, e.g. `StepRequested`. */
  readonly type: string;
  readonly step: string;
  readonly attempt: number;
  readonly agent: string;
  /** Of refusals, failures and the end; otherwise empty. */
  readonly reason: string;
  /** The partition's time, ms since 1970. */
  readonly atMs: number;
}
