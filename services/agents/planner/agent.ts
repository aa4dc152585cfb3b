// Splits a question into sub-questions that can be researched apart. It owns the question that cannot be split or asked.

import { z } from 'zod';
import { contentHash } from '../../blackboard/ids.js';
import { BlackboardError } from '../../runtime/errors.js';
import { planContract } from '../../../workflows/brief/contracts.js';
import type { Plan } from '../../../workflows/brief/contracts.js';
import { limits } from '../../../workflows/brief/limits.js';
import { splitQuestion } from '../../../workflows/brief/split-question.js';
import { textParam } from '../read-brief-inputs.js';
import type { Agent, ModelClient, StepContext, StepOutcome } from '../sdk/agent.js';

const system =
  'You split a question into the sub-questions that must be answered to answer it: at least 1, at most 8, each complete in itself (no "it" or "they" that points outside), in the words of the question. Do not add topics that were not asked for. Do not answer.';
const shape = z.strictObject({ subQuestions: z.array(z.string().min(3).max(limits.questionCharactersMax)).min(1).max(limits.itemsMax) });

/** The agent that plans; `params: { question }`, output `plan@1`. */
export function createPlanner(): Agent {
  return { name: 'planner', version: '1.0.0', promptHash: contentHash(Buffer.from(system)), owns: 'a question that cannot be split into sub-questions', run: plan };
}

async function plan(context: StepContext): Promise<StepOutcome> {
  const question = textParam(context, 'question');
  if (question.length > limits.questionCharactersMax) return { outcome: 'failed', code: 'question-too-long', retryable: false };
  const extractive = splitQuestion(question);
  const proposed = context.model === null ? extractive : ((await planWithModel(context.model, extractive.question)) ?? extractive);
  if (!planContract.rules.safeParse(proposed).success) return { outcome: 'failed', code: 'question-unreadable', retryable: false };
  return { outcome: 'proposed', artifacts: [{ type: 'plan', body: context.write(planContract, proposed), evidence: [], confidence: 1, freshAtMs: context.request.requestedAtMs }] };
}

/** Null where the model gave nothing that keeps the contract: the extractive split serves then. */
async function planWithModel(model: ModelClient, question: string): Promise<Plan | null> {
  try {
    const { value } = await model.ask({ system, user: `Question:\n${question}`, name: 'plan', shape });
    const proposed = { question, items: [...new Set(value.subQuestions)].map((text, index) => ({ id: `q${index + 1}`, question: text })) };
    return planContract.rules.safeParse(proposed).success ? proposed : null;
  } catch (error) {
    if (error instanceof BlackboardError && error.code === 'MODEL_UNAVAILABLE') return null;
    throw error;
  }
}
