import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BlackboardError } from '../runtime/errors.js';
import type { Agent } from './sdk/agent.js';

/**
 * Loads a third party's agent from a module that exports `agent`.
 * @param path of the module; a relative one is taken from the working directory.
 * @throws BlackboardError CONFIG_INVALID naming the module and what it lacks.
 */
export async function loadAgent(path: string): Promise<Agent> {
  const url = pathToFileURL(isAbsolute(path) ? path : resolve(path)).href;
  let loaded: { readonly agent?: Partial<Agent> };
  try {
    loaded = await import(url) as { readonly agent?: Partial<Agent> };
  } catch (error) {
    throw new BlackboardError('CONFIG_INVALID', `the agent module ${path} cannot be loaded: ${(error as Error).message}`, { path }, { cause: error });
  }
  const { agent } = loaded;
  const missing = (['name', 'version', 'owns', 'promptHash'] as const).filter((field) => typeof agent?.[field] !== 'string');
  if (agent === undefined || missing.length > 0 || typeof agent.run !== 'function') {
    throw new BlackboardError('CONFIG_INVALID', `the module ${path} must export "agent" with name, version, owns, promptHash and run${missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`}`, { path });
  }
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(agent.name ?? '')) throw new BlackboardError('CONFIG_INVALID', `the module ${path} names its agent with other characters than lower-case letters, digits and dashes`, { path });
  return agent as Agent;
}
