import { list } from '../services/runtime/config.js';

/** `BLACKBOARD_WORKFLOWS`, as every service that needs workflows, contracts or renderers reads it. */
export const workflowsVariable = list().optional().describe('Further workflows with their contracts and renderers: modules (docs/simulate.md), JSON files of one workflow, or folders of such').meta({ shape: 'paths, comma-separated' });
