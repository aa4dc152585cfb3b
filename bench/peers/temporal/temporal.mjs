// Temporal on the run's Postgres: server, worker and this driver as three processes, three normal activities a job. What
// build.sh makes must be there; its server says nothing else than YAML of where to listen.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, postgresTotals, processes, serve, setup, startLeashed } from '../w3.mjs';

const version = 'v1.32.1';
const shards = 4;
const poolSize = 20;
const built = join(process.env.BLACKBOARD_CACHE || join(homedir(), '.cache/blackboard'), `temporal-${version}`);
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

await serve(async () => {
  if (!existsSync(join(built, 'schema')) || !existsSync(here('node_modules'))) throw new Error('its server is not built: bench/peers/temporal/build.sh (needs Go)');
  const { Client, Connection } = await import('@temporalio/client');
  const { default: pg } = await import('pg');
  const { hostname: host, port } = new URL(setup.addresses.postgresUrl);
  const folder = mkdtempSync(join(tmpdir(), 'bench-temporal-'));
  const suffix = `${process.pid}_${Date.now() % 1_000_000}`;
  const databases = { temporal: `temporal_${suffix}`, visibility: `temporal_visibility_${suffix}` };
  for (const [kind, database] of Object.entries(databases)) await makeDatabase({ kind, database, host, port });
  const ports = await Promise.all(Array.from({ length: 10 }, () => freePort()));
  writeFileSync(join(folder, 'server.yaml'), configuration({ ports, databases, endpoint: `${host}:${port}` }));
  const logFile = join(folder, 'log');
  const address = `127.0.0.1:${ports[0]}`;
  const server = await startLeashed({ command: join(built, 'server'), args: ['--config-file', join(folder, 'server.yaml'), '--allow-no-auth', 'start'], logFile, orphanSignal: 'KILL', scratchDir: folder });
  const connection = await namespaceOf(Connection, address, () => (server.ending() === undefined ? null : `it ${server.ending()}: ${readFileSync(logFile, 'utf8').slice(-2_000)}`));
  const client = new Client({ connection, namespace: 'default' });
  const worker = await startLeashed({ command: process.execPath, args: [here('worker.mjs')], env: { ...process.env, TEMPORAL_ADDRESS: address, NODE_ENV: 'production' }, logFile, orphanSignal: 'KILL' });
  const pool = new pg.Pool({ connectionString: setup.addresses.postgresUrl, max: 1 });
  const runJob = (job, slow) => client.workflow.execute('w3', { taskQueue: 'w3', workflowId: job, args: [job, slow] });
  // Its namespace is known everywhere after some seconds only, and the worker bundles its workflows first.
  await runJob(`first-${suffix}`, false);
  return {
    about: [`Temporal ${version.slice(1)} on Postgres, ${shards} history shards, request limits raised, SDK 1.24.0, three activities, server, worker and driver apart`],
    processes: processes({ server: [server.pid], worker: [worker.pid] }), totals: postgresTotals(pool), runJob,
    close: async () => {
      await worker.end('SIGTERM', 10_000);
      await connection.close();
      await server.end('SIGTERM', 10_000);
      await Promise.all(Object.values(databases).map((database) => pool.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)));
      await pool.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

async function makeDatabase({ kind, database, host, port }) {
  const tool = (...args) => promisify(execFile)(join(built, 'sql'), ['--plugin', 'postgres12_pgx', '--ep', host, '-p', port, '-u', 'postgres', '--pw', 'none', '--db', database, ...args]);
  await tool('create');
  await tool('setup-schema', '-v', '0.0');
  await tool('update-schema', '-d', join(built, 'schema', kind, 'versioned'));
}

/** Connects once the server answers, and makes the namespace. @param ended what it said when it has ended, else null. */
async function namespaceOf(Connection, address, ended) {
  for (let tries = 0; ; tries += 1) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '2s' });
      await connection.withDeadline(Date.now() + 5_000, () => connection.workflowService.registerNamespace({ namespace: 'default', workflowExecutionRetentionPeriod: { seconds: 86_400 } }));
      return connection;
    } catch (error) {
      const end = ended();
      if (end !== null || tries > 60) throw new Error(`Temporal did not start: ${end ?? error.message}`);
      await sleep(250);
    }
  }
}

function configuration({ ports, databases, endpoint }) {
  const [frontend, frontendGossip, http, history, historyGossip, matching, matchingGossip, worker, workerGossip] = ports;
  const sql = (database, connections) => `{ sql: { pluginName: postgres12_pgx, databaseName: ${database}, connectAddr: "${endpoint}", connectProtocol: tcp, user: postgres, password: none, maxConns: ${connections}, maxIdleConns: ${connections}, maxConnLifetime: 1h } }`;
  const service = (port, gossip, more = '') => `{ rpc: { grpcPort: ${port}, membershipPort: ${gossip}, bindOnLocalHost: true${more} } }`;
  return `log: { stdout: true, level: warn }
persistence:
  defaultStore: main
  visibilityStore: visibility
  numHistoryShards: ${shards}
  datastores:
    main: ${sql(databases.temporal, poolSize)}
    visibility: ${sql(databases.visibility, 10)}
global:
  membership: { maxJoinDuration: 30s, broadcastAddress: "127.0.0.1" }
services:
  frontend: ${service(frontend, frontendGossip, `, httpPort: ${http}`)}
  history: ${service(history, historyGossip)}
  matching: ${service(matching, matchingGossip)}
  worker: ${service(worker, workerGossip)}
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation: { active: { enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: "127.0.0.1:${frontend}" } }
dcRedirectionPolicy: { policy: noop }
archival: { history: { state: disabled }, visibility: { state: disabled } }
namespaceDefaults: { archival: { history: { state: disabled }, visibility: { state: disabled } } }
publicClient: { hostPort: "127.0.0.1:${frontend}" }
dynamicConfigClient: { filepath: "${here('dynamic.yaml')}", pollInterval: 60s }
`;
}
