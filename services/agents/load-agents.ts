import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BlackboardError } from '../runtime/errors.js';
import { agentProblems } from './agent-problems.js';
import type { Agent } from './sdk/agent.js';

/**
 * Loads a third party's agents from a module that exports `agent`, or `agents`: a list, or a function that makes one,
 * as a workflow file does.
 * @param path of the module; a relative one is taken from the working directory.
 * @throws BlackboardError CONFIG_INVALID naming the module and what it lacks.
 */
export async function loadAgents(path: string): Promise<readonly Agent[]> {
  const url = pathToFileURL(isAbsolute(path) ? path : resolve(path)).href;
  let loaded: { readonly agent?: unknown; readonly agents?: unknown };
  try {
    loaded = await import(url) as typeof loaded;
  } catch (error) {
    throw new BlackboardError('CONFIG_INVALID', `the agent module ${path} cannot be loaded: ${(error as Error).message}`, { path }, { cause: error });
  }
  const made: unknown = typeof loaded.agents === 'function' ? (loaded.agents as () => unknown)() : loaded.agents;
  const agents: readonly unknown[] = Array.isArray(made) ? made : [loaded.agent];
  for (const agent of agents) {
    const problems = agentProblems(agent);
    if (problems.length > 0) throw new BlackboardError('CONFIG_INVALID', `the module ${path} must export "agent" with name, version, owns, promptHash and run, or "agents", a list of such: ${problems.join('; ')}`, { path });
  }
  return agents as readonly Agent[];
}
