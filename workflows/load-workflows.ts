// Workflows and contracts that a deployment adds to those that ship: JSON files, folders of them, and modules. One
// loader for the gate, `up`, ingress, replay, verify and the simulation, so that they cannot disagree on a file.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { agentProblems } from '../services/agents/agent-problems.js';
import type { Agent } from '../services/agents/sdk/agent.js';
import type { Contract } from '../services/blackboard/contract.js';
import { workflowSchema, type Workflow } from '../services/blackboard/workflow.js';
import { readBody } from '../services/runtime/codec/contract-codec.js';
import { parseSchema } from '../services/runtime/codec/event-codec.js';
import { BlackboardError } from '../services/runtime/errors.js';
import { parseStrictJson } from '../services/runtime/strict-json.js';
import { contracts as shippedContracts } from './contracts.js';
import { shippedWorkflows } from './policy.js';
import { resultRenderers } from './renderers.js';
import type { WorkflowFile } from './workflow-file.js';

export interface LoadedFile {
  readonly path: string;
  readonly workflows: readonly Workflow[];
  readonly contracts: readonly Contract[];
  /** Null: the file leaves its agents to others. */
  readonly agents: ((outside?: unknown) => readonly Agent[]) | null;
  readonly exports: WorkflowFile;
}

export interface LoadedWorkflows {
  readonly files: readonly LoadedFile[];
  readonly workflows: readonly Workflow[];
  /** Those that ship and those of the files, by name. */
  readonly contracts: ReadonlyMap<string, Contract>;
  readonly renderers: Readonly<Record<string, { readonly toJson: (body: Buffer) => unknown; readonly toMarkdown: (body: Buffer) => string }>>;
}

/**
 * Loads workflow files.
 * @param paths of modules, `.json` files (one workflow), or folders of `.json` files; relative to the working directory.
 * @throws BlackboardError WORKFLOW_FILE_INVALID with every problem of the first file that has one.
 */
export async function loadWorkflows(paths: readonly string[]): Promise<LoadedWorkflows> {
  const files: LoadedFile[] = [];
  for (const path of paths.flatMap(filesOf)) files.push(await loadWorkflowFile(path));
  const contracts = new Map(shippedContracts);
  const workflows = new Map<string, Workflow>();
  for (const file of files) {
    for (const contract of file.contracts) {
      if (contracts.has(contract.name)) refuse(file.path, [`contracts: ${contract.name} is known already; a changed contract is a new version, ${contract.name.split('@')[0]}@${Number(contract.name.split('@')[1]) + 1}`]);
      contracts.set(contract.name, contract);
    }
    for (const workflow of file.workflows) {
      if (shippedWorkflows.some(({ name }) => name === workflow.name)) refuse(file.path, [`workflow ${workflow.name}: one that ships has this name; choose another one`]);
      if (workflows.has(workflow.name)) refuse(file.path, [`workflow ${workflow.name}: another file has one of that name`]);
      workflows.set(workflow.name, workflow);
    }
  }
  for (const { path, workflows: own } of files) {
    const missing = own.flatMap(({ name, steps }) => steps.filter(({ contract }) => !contracts.has(contract)).map(({ id, contract }) => `workflow ${name}: step ${id} must keep ${contract}, which no file defines: add it to "contracts"`));
    if (missing.length > 0) refuse(path, missing);
  }
  return { files, workflows: [...workflows.values()], contracts, renderers: { ...Object.assign({}, ...files.map(renderersOf)) as LoadedWorkflows['renderers'], ...resultRenderers } };
}

function filesOf(path: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return refuse(path, ['there is no such file or folder']);
  if (!found.isDirectory()) return [path];
  const files = readdirSync(path).filter((name) => name.endsWith('.json')).sort().map((name) => join(path, name));
  return files.length > 0 ? files : refuse(path, ['the folder holds no .json file']);
}

async function loadWorkflowFile(path: string): Promise<LoadedFile> {
  const exported = path.endsWith('.json') ? { workflow: readJson(path) } : await importModule(path);
  const problems: string[] = [];
  const workflows = workflowsOf(exported, problems);
  const contracts = contractsOf(exported, problems);
  const agents = agentsOf(exported, problems);
  for (const name of ['renderers', 'stubs', 'expectations'] as const) {
    const functions: unknown = exported[name] ?? {};
    if (functions === null || typeof functions !== 'object' || Object.values(functions).some((value) => typeof value !== 'function')) problems.push(`${name}: an object whose members are functions`);
  }
  for (const name of ['outside', 'model'] as const) if (exported[name] !== undefined && typeof exported[name] !== 'function') problems.push(`${name}: a function`);
  for (const name of ['jobs', 'stubbed'] as const) if (exported[name] !== undefined && !Array.isArray(exported[name])) problems.push(`${name}: a list`);
  if (problems.length > 0) refuse(path, problems);
  return { path, workflows, contracts, agents, exports: exported };
}

function readJson(path: string): never {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return refuse(path, [`it cannot be read: ${(error as Error).message}`], error);
  }
  const json = parseStrictJson(bytes);
  return json.ok ? json.value as never : refuse(path, [`it cannot be read as JSON: ${json.path === undefined ? '' : `${json.path}: `}${json.message}`]);
}

async function importModule(path: string): Promise<WorkflowFile> {
  try {
    return await import(pathToFileURL(resolve(path)).href) as WorkflowFile;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && !/\.[cm]?ts$/.test(path)) return refuse(path, ['a workflow file is a module (.mjs, .js, .ts) or JSON (.json)'], error);
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return refuse(path, [`Node ${process.versions.node} cannot run it: TypeScript needs Node 22.18 or newer; compile it, or write it as .mjs`], error);
    return refuse(path, [`it cannot be loaded: ${message}${error instanceof SyntaxError ? placeOf(path) : ''}`], error);
  }
}

/** Where a module cannot be parsed, which its error does not say: empty where it is not in this file. */
function placeOf(path: string): string {
  const { stderr } = spawnSync(process.execPath, ['--check', resolve(path)], { encoding: 'utf8', env: {}, timeout: 10_000 });
  const line = /:(\d+)\n/.exec(stderr)?.[1];
  return line === undefined ? '' : ` (line ${line})`;
}

function workflowsOf({ workflow, workflows }: WorkflowFile, problems: string[]): readonly Workflow[] {
  const given: readonly unknown[] = workflow !== undefined ? [workflow, ...(workflows ?? [])] : Array.isArray(workflows) ? workflows : [];
  if (given.length === 0) problems.push('it exports no workflow: export const workflow = defineWorkflow({ … }), from "blackboard/workflow"');
  return given.flatMap((one) => {
    const parsed = workflowSchema.safeParse(one);
    if (parsed.success) return [parsed.data];
    const name = (one as { name?: unknown } | null)?.name;
    problems.push(...parsed.error.issues.map(({ path, message }) => `workflow${typeof name === 'string' ? ` ${name}` : ''}: ${path.join('.') || 'it'}: ${message}`));
    return [];
  });
}

function contractsOf({ contracts = [] }: WorkflowFile, problems: string[]): readonly Contract[] {
  if (!Array.isArray(contracts)) {
    problems.push('contracts: a list');
    return [];
  }
  const seen = new Set<string>();
  return (contracts as readonly unknown[]).flatMap((value, index) => {
    const contract = (value ?? {}) as Partial<Contract>;
    const before = problems.length;
    const add = (what: string): void => { problems.push(`contracts.${index}${typeof contract.name === 'string' ? ` (${contract.name})` : ''}: ${what}`); };
    if (typeof contract.name !== 'string' || !/^[a-z][a-z0-9-]*@[0-9]+$/.test(contract.name)) add('name: lower-case letters, "@" and a number, e.g. quote@1');
    else if (seen.has(contract.name)) add('two contracts have this name');
    else seen.add(contract.name);
    if (typeof (contract.rules as { safeParse?: unknown } | undefined)?.safeParse !== 'function') add('rules: a zod schema');
    if (typeof contract.evidenceRequired !== 'boolean') add('evidenceRequired: true or false');
    try {
      parseSchema(contract.avro);
    } catch (error) {
      add(`avro: ${(error as Error).message}`);
    }
    return problems.length === before ? [contract as Contract] : [];
  });
}

function agentsOf({ agents }: WorkflowFile, problems: string[]): LoadedFile['agents'] {
  if (agents === undefined) return null;
  // What a function makes is looked at where it is called: it may open connections.
  if (typeof agents === 'function') return (outside) => checked(agents(outside));
  if (!Array.isArray(agents)) {
    problems.push('agents: a list, or a function that makes one');
    return null;
  }
  agents.forEach((agent, index) => { problems.push(...agentProblems(agent).map((problem) => `agents.${index}: ${problem}`)); });
  return () => agents as readonly Agent[];
}

function checked(made: unknown): readonly Agent[] {
  if (!Array.isArray(made)) throw new BlackboardError('WORKFLOW_FILE_INVALID', 'agents: the function must return a list');
  const problems = made.flatMap((agent, index) => agentProblems(agent).map((problem) => `agents.${index}: ${problem}`));
  if (problems.length > 0) throw new BlackboardError('WORKFLOW_FILE_INVALID', problems.join('; '));
  return made as readonly Agent[];
}

function renderersOf({ contracts, exports }: LoadedFile): LoadedWorkflows['renderers'] {
  return Object.fromEntries(contracts.map((contract) => {
    const render = exports.renderers?.[contract.name] as ((value: unknown) => string) | undefined;
    const toJson = (body: Buffer): unknown => readBody(contract, body);
    return [contract.name, { toJson, toMarkdown: (body: Buffer) => render?.(toJson(body)) ?? `\`\`\`json\n${JSON.stringify(toJson(body), null, 2)}\n\`\`\`\n` }];
  }));
}

/** @throws BlackboardError WORKFLOW_FILE_INVALID */
export function refuse(path: string, problems: readonly string[], cause?: unknown): never {
  throw new BlackboardError('WORKFLOW_FILE_INVALID', `${path}: ${problems.join('; ')}`, { path, problems }, cause === undefined ? undefined : { cause });
}
