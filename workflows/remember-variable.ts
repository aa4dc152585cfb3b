import { policyDefaults } from '../services/blackboard/policy.js';
import { integer } from '../services/runtime/config.js';

const minuteMs = 60_000;
/** A month. */
const minutesMax = 31 * 24 * 60;

/** `BLACKBOARD_REMEMBER_MINUTES`, as whoever decides on submissions reads it. */
export const rememberVariable = integer(1, minutesMax).default(policyDefaults.rememberMs / minuteMs)
  .describe('How long the id of an ended job is remembered: until then the same submission is a duplicate. Each takes some hundred bytes of an orchestrator\'s memory; ingress and orchestrator must agree')
  .meta({ unit: 'minutes' });

/** Ms, as policy has it. */
export function rememberMsOf(minutes: number): number {
  return minutes * minuteMs;
}
