// The services of the bench as processes of their own on real servers: one of each, with honest agents. The adversary
// has no process among them: it is what is tested, and has keys and a connection, nothing more.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../cluster.js';
import { namesWithKeys, principals, workflows } from './traps.js';

export interface BenchCluster {
  readonly cluster: Cluster;
  readonly ingressUrl: string;
}

export async function openBenchCluster(name: string): Promise<BenchCluster> {
  const cluster = await Cluster.open({ name, sessionTimeoutMs: 30_000, principals: namesWithKeys });
  try {
    const principalsFile = join(cluster.folder, 'principals.json');
    const workflowsDir = join(cluster.folder, 'workflows');
    mkdirSync(workflowsDir);
    writeFileSync(principalsFile, JSON.stringify(principals));
    for (const workflow of workflows) writeFileSync(join(workflowsDir, `${workflow.name}.json`), JSON.stringify(workflow));
    const shared = { BLACKBOARD_LOG_LEVEL: 'info' };
    const gateway = cluster.urlOf(await cluster.start('gateway', { ...shared, GATEWAY_PORT: '0' }));
    const module = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
    const agents = { ...shared, GATEWAY_URL: gateway, AGENT_MODULES: `${module('../chaos/agents/worker.js')},${module('../chaos/agents/checker.js')}` };
    const [ingress] = await Promise.all([
      cluster.start('ingress', { ...shared, INGRESS_PORT: '0', GATEWAY_URL: gateway }),
      cluster.start('orchestrator', { ...shared, BLACKBOARD_PRINCIPALS: principalsFile, BLACKBOARD_WORKFLOWS: workflowsDir }),
      cluster.start('projector', shared),
      cluster.start('agents', { ...agents, AGENTS: 'worker' }),
      cluster.start('agents', { ...agents, AGENTS: 'checker' }),
    ]);
    return { cluster, ingressUrl: cluster.urlOf(ingress) };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}
