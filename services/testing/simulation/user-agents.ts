// A user's agents in a run: the real ones behind everything that can befall an agent, and stubs for those that are not
// there. A fault may strike before the agent works or after: what it did outside has happened then, and nobody knows.

import type { Agent, StepContext, StepOutcome } from '../../agents/sdk/agent.js';
import type { Contract } from '../../blackboard/contract.js';
import type { WorkflowStep } from '../../blackboard/workflow.js';
import { encodeBody } from '../../runtime/codec/contract-codec.js';
import type { WorkflowFile } from '../../../workflows/workflow-file.js';
import type { Dice } from './dice.js';
import { runningProcess } from './running-process.js';
import type { AgentParts } from './scenario.js';
import { look, spoil, ThrownByAgent } from './simulated-agents.js';
import { stubValue } from './stub-values.js';

/** The agent as the swarm lets it work. */
export function inTheSwarm(agent: Agent, parts: AgentParts): Agent {
  const { process, dice, faults } = parts;
  const silence = agent.verifies === true ? 'verifier-silent' : 'agent-silent';
  const befall = async (): Promise<void> => {
    await process.sleep(faults.strikes('agent-slow') ? dice.between(500, 9_000) : dice.between(2, 60));
    if (faults.strikes(silence)) await new Promise(() => undefined);
    if (faults.strikes('agent-throws')) throw new ThrownByAgent('as told');
  };
  return {
    ...agent,
    async run(context) {
      await befall();
      if (faults.strikes('agent-fails')) return { outcome: 'failed', code: 'simulated-failure', retryable: dice.chance(0.8) };
      const outcome = await runningProcess.run(process, () => agent.run(context));
      await befall();
      if (outcome.outcome !== 'proposed') return outcome;
      const [first] = outcome.artifacts;
      if (first === undefined || !faults.strikes('agent-bad-work')) return outcome;
      return { ...outcome, artifacts: spoil(outcome.artifacts, () => first.body, parts) };
    },
  };
}

export interface StubParts {
  readonly contracts: ReadonlyMap<string, Contract>;
  readonly steps: readonly WorkflowStep[];
  readonly stubs: NonNullable<WorkflowFile['stubs']>;
}

/** Answers under whatever contract it is asked for; as a verifier, it has no opinion of its own. */
export function stubAgent(name: string, verifies: boolean, parts: AgentParts, stub: StubParts): Agent {
  return {
    name, version: '0.0.0-stub', promptHash: '', owns: `${name}-failed`, verifies,
    run: (context) => (verifies ? look(context, parts) : work(context, parts, stub)),
  };
}

async function work({ request, bodies }: StepContext, { dice, process }: AgentParts, { contracts, steps, stubs }: StubParts): Promise<StepOutcome> {
  const contract = contracts.get(request.contractOut);
  if (contract === undefined) return { outcome: 'failed', code: 'contract-unknown', retryable: false };
  // Evidence must resolve: to what the step was given, otherwise to a document of the stub's own.
  const own = request.inputs.length > 0 || !contract.evidenceRequired ? [] : await bodies.put([Buffer.from(`a document of ${request.job}`)]);
  const evidence = request.inputs.length > 0
    ? request.inputs.slice(0, 2).map(({ hash }) => ({ source: 'artifact' as const, reference: hash, position: -1 }))
    : own.map((hash) => ({ source: 'document' as const, reference: hash, position: -1 }));
  const least = steps.find(({ id }) => id === request.step.split('/')[0])?.acceptedMin ?? 1;
  const artifacts = Array.from({ length: Math.max(1, least) }, () => ({
    type: contract.name.split('@')[0] ?? '', body: stubBody(contract, dice, stubs[contract.name]?.(() => dice.next(), request)) ?? Buffer.alloc(0),
    evidence, confidence: 0.9, freshAtMs: process.clock.nowMs(), refs: own,
  }));
  return { outcome: 'proposed', artifacts };
}

const drawsMax = 300;

/** A body that keeps the contract: the given value, or one that is drawn; null: none was found. */
export function stubBody(contract: Contract, dice: Dice, value?: unknown): Buffer | null {
  if (value !== undefined) return encodeBody(contract, value);
  for (let draw = 0; draw < drawsMax; draw += 1) {
    const drawn = stubValue(contract.avro, dice);
    if (contract.rules.safeParse(drawn).success) return encodeBody(contract, drawn);
  }
  return null;
}
