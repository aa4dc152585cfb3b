// A user's workflow file as a scenario: its workflows and contracts, its agents or stubs, its jobs, and what it expects
// of every job. Deadlines are scaled so that faults of seconds meet them: the longest of a step becomes six seconds.

import type { Agent } from '../../agents/sdk/agent.js';
import type { Contract } from '../../blackboard/contract.js';
import { policyDefaults, type PrincipalPolicy } from '../../blackboard/policy.js';
import type { Workflow, WorkflowStep } from '../../blackboard/workflow.js';
import { Keyring } from '../../runtime/keyring.js';
import { snapshotPrincipal } from '../../runtime/snapshot-store.js';
import { loadWorkflows, refuse, type LoadedFile } from '../../../workflows/load-workflows.js';
import { checkExpectations, expectedReach } from './check-expectations.js';
import { Dice } from './dice.js';
import type { Scenario, SimulatedJob } from './scenario.js';
import { inTheSwarm, stubAgent, stubBody, type StubParts } from './user-agents.js';

const stepDeadlineMsMax = 6_000;
const jobDeadlineMsMax = 120_000;

const simulatedPrincipals: Readonly<Record<string, PrincipalPolicy>> = {
  ingress: { role: 'ingress', agent: '', tenants: ['*'] }, orchestrator: { role: 'orchestrator', agent: '', tenants: [] }, gateway: { role: 'gateway', agent: '', tenants: [] },
  'simulated-upstream': { role: 'upstream', agent: '', tenants: ['acme'] }, 'simulated-other': { role: 'agent', agent: 'simulated-other', tenants: [] },
  'simulated-verifier': { role: 'verifier', agent: 'simulated-verifier', tenants: [] },
};

interface Cast {
  /** Names, in the order of the steps. */
  readonly workers: readonly string[];
  readonly verifiers: readonly string[];
  readonly stubbed: ReadonlySet<string>;
}

export interface UserScenario extends Scenario {
  /** Agents that stubs answer for. */
  readonly stubbed: readonly string[];
}

/** @throws BlackboardError WORKFLOW_FILE_INVALID with every problem. */
export async function loadUserScenario(path: string): Promise<UserScenario> {
  const { files, contracts } = await loadWorkflows([path]);
  const [file] = files;
  if (file === undefined || files.length > 1) refuse(path, ['the simulation plays one file, not a folder']);
  const problems: string[] = [];
  const steps = file.workflows.flatMap((workflow) => workflow.steps);
  const cast = castOf(file, steps, problems);
  const stub: StubParts = { contracts, steps, stubs: file.exports.stubs ?? {} };
  checkStubs(stub, cast, problems);
  const jobs = jobsOf(file, problems);
  if (problems.length > 0) refuse(path, problems);
  return scenarioOf(file, { contracts, cast, stub, jobs });
}

interface Parts {
  readonly contracts: ReadonlyMap<string, Contract>;
  readonly cast: Cast;
  readonly stub: StubParts;
  readonly jobs: readonly SimulatedJob[];
}

function scenarioOf(file: LoadedFile, { contracts, cast, stub, jobs }: Parts): UserScenario {
  const { workers, verifiers } = cast;
  const [producer = ''] = workers;
  const principals: Record<string, PrincipalPolicy> = { ...simulatedPrincipals, 'simulated-twin': { role: 'verifier', agent: producer, tenants: [] } };
  for (const agent of workers) principals[agent] = { role: 'agent', agent, tenants: [] };
  for (const agent of verifiers) principals[agent] = { role: 'verifier', agent, tenants: [] };
  const keyring = new Keyring([...Object.keys(principals), 'ghost', snapshotPrincipal].map((principal, index) => ({ principal, keyId: 'k1', secret: Buffer.alloc(32, index + 1) })));
  const agentsOf = (names: readonly string[], isVerifier: boolean): Scenario['workers'] => (parts) => {
    const real = new Map((file.agents?.(parts.outside) ?? []).map((agent) => [agent.name, agent]));
    return names.map((name) => inTheSwarm(real.get(name) ?? stubAgent(name, isVerifier, parts, stub), parts));
  };
  const needy = file.workflows.find(({ steps }) => steps.some(({ jobParams }) => jobParams.some((name) => !name.endsWith('?'))));
  return {
    contracts, keyring, stubbed: [...cast.stubbed],
    policy: { ...policyDefaults, openJobsPerTenantMax: 1_000, olderWorkflows: {}, workflows: Object.fromEntries(file.workflows.map((workflow) => [workflow.name, scaled(workflow)])), principals },
    adversary: { producer, verifier: verifiers[0] ?? 'simulated-verifier', twin: 'simulated-twin', other: 'simulated-other', upstream: 'simulated-upstream', hasStolenKeys: false },
    workers: agentsOf(workers, false),
    verifiers: agentsOf(verifiers, true),
    job: (number) => jobs[number % jobs.length] as SimulatedJob,
    incomplete: needy === undefined ? null : { workflow: needy.name, params: '{}' },
    body: (name, dice) => stubBody(contracts.get(name) as Contract, dice) ?? Buffer.from('made up'),
    outside: () => file.exports.outside?.() ?? null,
    own: {
      model: file.exports.model ?? null,
      sometimes: expectedReach(file.workflows),
      check: ({ world }) => checkExpectations(world, file),
    },
  };
}

/** Times of a workflow keep their proportions; how fresh data must be is left as it is, since agents stamp it. */
function scaled(workflow: Workflow): Workflow {
  const longestMs = Math.max(...workflow.steps.flatMap(({ deadlineMs, verifier, verificationDeadlineMs }) => [deadlineMs, verifier === '' ? 0 : verificationDeadlineMs]));
  const factor = Math.min(1, stepDeadlineMsMax / longestMs);
  const scale = (ms: number): number => Math.ceil(ms * factor);
  return {
    ...workflow, deadlineMs: Math.min(jobDeadlineMsMax, scale(workflow.deadlineMs)),
    steps: workflow.steps.map((step) => ({ ...step, deadlineMs: scale(step.deadlineMs), verificationDeadlineMs: scale(step.verificationDeadlineMs), backoffMs: scale(step.backoffMs) })),
  };
}

function castOf(file: LoadedFile, steps: readonly WorkflowStep[], problems: string[]): Cast {
  const workers = [...new Set(steps.map(({ agent }) => agent))];
  const verifiers = [...new Set(steps.map(({ verifier }) => verifier).filter((name) => name !== ''))];
  const asked = new Set([...workers, ...verifiers]);
  for (const name of asked) if (name in simulatedPrincipals || name === 'simulated-twin' || name === 'ghost') problems.push(`an agent cannot be called ${name}: the name is taken`);
  for (const name of workers) if (verifiers.includes(name)) problems.push(`${name} is asked as an agent and as a verifier: give the verifier a name of its own`);
  if (file.agents === null) return { workers, verifiers, stubbed: asked };
  const real = tryAgents(file, problems);
  const stubbed = new Set(file.exports.stubbed ?? []);
  for (const name of asked) {
    if (!stubbed.has(name) && !real.some((agent) => agent.name === name)) problems.push(`no agent is called ${name}, which step ${steps.find((step) => step.agent === name || step.verifier === name)?.id} asks: add it to "agents", or its name to "stubbed"`);
  }
  for (const { name, verifies } of real) {
    if (!asked.has(name)) problems.push(`no step asks the agent ${name}: leave it out, or look at how the workflow spells it`);
    else if (verifiers.includes(name) !== (verifies === true)) problems.push(`the agent ${name} ${verifies === true ? 'verifies, and a step asks it for work' : 'is a verifier of the workflow, and does not say "verifies: true"'}`);
  }
  return { workers, verifiers, stubbed: new Set([...asked].filter((name) => !real.some((agent) => agent.name === name))) };
}

function tryAgents(file: LoadedFile, problems: string[]): readonly Agent[] {
  try {
    return file.agents?.(file.exports.outside?.()) ?? [];
  } catch (error) {
    problems.push(`agents cannot be made: ${(error as Error).message}`);
    return [];
  }
}

function checkStubs({ contracts, steps, stubs }: StubParts, { stubbed }: Cast, problems: string[]): void {
  const dice = new Dice(1);
  for (const name of new Set(steps.filter(({ agent }) => stubbed.has(agent)).map(({ contract }) => contract))) {
    const contract = contracts.get(name);
    if (contract === undefined) continue;
    try {
      const body = stubBody(contract, dice, stubs[name]?.(() => dice.next(), null));
      if (body === null) problems.push(`a stub needs a value of ${name}, and none that was drawn from its Avro schema keeps its rules: export const stubs = { '${name}': (random) => ({ … }) }`);
    } catch (error) {
      problems.push(`stubs: ${name}: ${(error as Error).message}`);
    }
  }
}

function jobsOf(file: LoadedFile, problems: string[]): readonly SimulatedJob[] {
  const [first] = file.workflows as readonly [Workflow];
  const given = file.exports.jobs ?? file.workflows.map((workflow) => ({ workflow: workflow.name, params: Object.fromEntries(required(workflow).map((name) => [name, `a ${name}`])) }));
  if (given.length === 0) problems.push('jobs: at least one, or leave it out');
  return given.map(({ workflow = first.name, params = {} }, index) => {
    const known = file.workflows.find(({ name }) => name === workflow);
    if (known === undefined) problems.push(`jobs.${index}: no workflow is called ${workflow}`);
    else problems.push(...required(known).filter((name) => !Object.hasOwn(params, name)).map((name) => `jobs.${index}: the workflow ${workflow} must have the parameter ${name}`));
    return { workflow, params: JSON.stringify(params) };
  });
}

function required({ steps }: Workflow): readonly string[] {
  return [...new Set(steps.flatMap(({ jobParams }) => jobParams.filter((name) => !name.endsWith('?'))))];
}
