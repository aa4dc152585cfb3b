import type { Agent } from './sdk/agent.js';

/** What a value lacks to be an agent, one line each; none: it is one. */
export function agentProblems(value: unknown): readonly string[] {
  const agent = (value ?? {}) as Partial<Agent>;
  const missing = (['name', 'version', 'owns', 'promptHash'] as const).filter((field) => typeof agent[field] !== 'string').map((field) => `${field} is missing: a string`);
  if (typeof agent.run !== 'function') missing.push('run is missing: a function from a step context to an outcome');
  if (typeof agent.name === 'string' && !/^[a-z][a-z0-9-]{0,63}$/.test(agent.name)) missing.push('name has other characters than lower-case letters, digits and dashes');
  return missing;
}
