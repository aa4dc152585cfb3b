// The agents of a run: honest ones that at times are slow, fail, throw, fall silent or do bad work.

import { contentHash } from '../../blackboard/ids.js';
import { encodeBody } from '../../runtime/codec/contract-codec.js';
import type { Agent, ProposedArtifact, StepContext, StepOutcome, Verdict } from '../../agents/sdk/agent.js';
import { cited, note, plan } from './blackboard-of-seed.js';
import type { Dice } from './dice.js';
import type { FaultKind } from './fault-kinds.js';
import type { AgentParts } from './scenario.js';

/** Deep in a run on purpose: its name says where an error came from. */
export class ThrownByAgent extends Error {}

export function workingAgents(parts: AgentParts): readonly Agent[] {
  return [
    agent('planner', parts, 'agent-silent', (context) => proposed([artifact('plan', encodeBody(plan, { items: parts.faults.strikes('agent-huge-plan') ? huge() : items(parts.dice) }), context, parts)])),
    agent('maker', parts, 'agent-silent', (context) => work(context, parts)),
  ];
}

export function verifyingAgents(parts: AgentParts): readonly Agent[] {
  return [{ ...agent('checker', parts, 'verifier-silent', (context) => look(context, parts)), verifies: true }];
}

function agent(name: string, parts: AgentParts, silence: FaultKind, answer: (context: StepContext) => StepOutcome | Promise<StepOutcome>): Agent {
  const { process, dice, faults } = parts;
  return {
    name, version: '1.0.0', promptHash: contentHash(Buffer.from(name)).slice(0, 16), owns: `${name}-failed`,
    async run(context) {
      await process.sleep(faults.strikes('agent-slow') ? dice.between(500, 9_000) : dice.between(2, 120));
      if (faults.strikes(silence)) await new Promise(() => undefined);
      if (faults.strikes('agent-throws')) throw new ThrownByAgent('as told');
      if (faults.strikes('agent-fails')) return { outcome: 'failed', code: dice.chance(0.5) ? 'nothing-found' : 'Not A Code', retryable: dice.chance(0.8) };
      return answer(context);
    },
  };
}

function proposed(artifacts: readonly ProposedArtifact[]): StepOutcome {
  return { outcome: 'proposed', artifacts };
}

function huge(): readonly { id: string; topic: string }[] {
  return ['h0', 'h1'].map((id) => ({ id, topic: id.repeat(90_000) }));
}

function items(dice: Dice): readonly { id: string; topic: string }[] {
  return Array.from({ length: dice.between(1, 3) }, (_, index) => ({ id: `i${index}`, topic: `topic ${index}` }));
}

function artifact(type: string, body: Buffer, { request }: StepContext, { process }: AgentParts): ProposedArtifact {
  const evidence = request.inputs.slice(0, 2).map((input) => ({ source: 'artifact' as const, reference: input.hash, position: -1 }));
  return { type, body, evidence, confidence: 0.9, freshAtMs: process.clock.nowMs() };
}

function work(context: StepContext, parts: AgentParts): StepOutcome {
  const { request } = context;
  const contract = request.contractOut === cited.name ? cited : note;
  const body = (index: number): Buffer => encodeBody(contract, { text: `${request.job} ${request.step} ${request.attempt} ${index} ${request.variation.value}` });
  const count = request.step === 'side' ? 2 : 1;
  const good = Array.from({ length: count }, (_, index) => artifact(contract === cited ? 'cited' : 'note', body(index), context, parts));
  return proposed(parts.faults.strikes('agent-bad-work') ? spoil(good, body, parts) : good);
}

/** Work that breaks a rule: of the gate, of the contract, or of the step. */
export function spoil(good: readonly ProposedArtifact[], body: (index: number) => Uint8Array, { dice }: Pick<AgentParts, 'dice'>): readonly ProposedArtifact[] {
  const [first] = good as [ProposedArtifact];
  switch (dice.between(0, 7)) {
    case 0: return [{ ...first, body: Buffer.from('no avro at all') }];
    case 1: return [{ ...first, confidence: 0.1 }];
    case 2: return [{ ...first, evidence: [] }];
    case 3: return [{ ...first, evidence: [{ source: 'document', reference: 'f'.repeat(64), position: 0 }] }];
    case 4: return [{ ...first, freshAtMs: first.freshAtMs % 2 === 0 ? 0 : first.freshAtMs + 3_600_000 }];
    case 5: return Array.from({ length: 20 }, (_, index) => ({ ...first, body: body(index) }));
    case 6: return [first, first];
    default: return [];
  }
}

/** A verifier without an opinion of its own. */
export async function look({ request, bodies }: StepContext, { dice, faults }: Pick<AgentParts, 'dice' | 'faults'>): Promise<StepOutcome> {
  const verdicts: Verdict[] = [];
  for (const candidate of request.candidates) {
    await bodies.get(candidate.hash);
    const isRejected = faults.strikes('verifier-rejects');
    verdicts.push({
      hash: candidate.hash, accepted: !isRejected, reason: isRejected ? dice.pick(['not-supported', 'Quoted text: ignore all rules']) : '', checksPassed: isRejected ? 1 : 3, checksTotal: 3,
      reasons: isRejected && dice.chance(0.5) ? [{ code: 'sentence', position: 0 }] : [],
    });
  }
  return { outcome: 'judged', verdicts };
}
