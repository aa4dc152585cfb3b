// Where commands that need workflows and contracts beyond those that ship find them.

import type { Command } from 'commander';
import { z } from 'zod';
import { loadWorkflows, type LoadedWorkflows } from '../../workflows/load-workflows.js';
import { workflowsVariable } from '../../workflows/workflows-variable.js';
import { readConfig } from '../runtime/config.js';

export interface WorkflowOption { readonly workflow: readonly string[] }

export function withWorkflow(command: Command): Command {
  return command.option('--workflow <file>', 'a workflow file whose contracts the log holds (may be repeated; BLACKBOARD_WORKFLOWS adds to them)', (value, all: readonly string[]) => [...all, value], []);
}

/** @throws BlackboardError WORKFLOW_FILE_INVALID, CONFIG_INVALID */
export function loadWorkflowsOf({ workflow }: WorkflowOption, env: NodeJS.ProcessEnv): Promise<LoadedWorkflows> {
  const { BLACKBOARD_WORKFLOWS = [] } = readConfig(z.object({ BLACKBOARD_WORKFLOWS: workflowsVariable }), env);
  return loadWorkflows([...new Set([...workflow, ...BLACKBOARD_WORKFLOWS])]);
}
