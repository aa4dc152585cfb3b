// All services in one process, each started as its own process would be: they share a log, a database and a body
// store, and still talk over the log and over HTTP only. Embedded: everything below one folder, behind one lock.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { topicNames } from '../../topics/topics.js';
import { contracts } from '../../workflows/contracts.js';
import type { LoadedWorkflows } from '../../workflows/load-workflows.js';
import { resultRenderers } from '../../workflows/renderers.js';
import { loadPolicy, shippedPrincipals } from '../../workflows/policy.js';
import { migrate, migratePostgres } from '../../infra/sql/migrate.js';
import { briefAgents } from '../agents/brief-agents.js';
import type { Agent } from '../agents/sdk/agent.js';
import { runAgents } from '../agents/sdk/run-agents.js';
import { agentPrincipals } from './agent-principals.js';
import type { Contract } from '../blackboard/contract.js';
import type { Workflow } from '../blackboard/workflow.js';
import { startGateway } from '../gateway/start-gateway.js';
import type { Models } from '../gateway/server.js';
import { startIngress } from '../ingress/start-ingress.js';
import type { ApiKey } from '../ingress/callers.js';
import { machineEffects } from '../orchestrator/machine-effects.js';
import { startOrchestrator } from '../orchestrator/start-orchestrator.js';
import { startProjector } from '../projector/start-projector.js';
import { startSnapshots, type SnapshotsOptions } from '../snapshots/start-snapshots.js';
import { openDiskBodyStore } from '../runtime/bodies/disk-body-store.js';
import type { BodyStore } from '../runtime/body-store.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import { registryCodec } from '../runtime/codec/registry-codec.js';
import { Keyring } from '../runtime/keyring.js';
import { keysText, makeKeys, parseKeys } from '../runtime/keys.js';
import type { Logger } from '../runtime/logger.js';
import { openEmbeddedLog } from '../runtime/log/embedded/embedded-log.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';
import { kafkaLog } from '../runtime/log/kafka/kafka-log.js';
import type { LogPort } from '../runtime/log/port.js';
import type { ListeningDatabase } from '../runtime/postgres/listening-database.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import { postgresBodyStore } from '../runtime/postgres/postgres-body-store.js';
import { postgresSnapshotStore } from '../runtime/postgres/postgres-snapshot-store.js';
import { projectRoot } from '../runtime/project-root.js';
import { seamsFromEnvironment, through, type Seams } from '../runtime/seams.js';
import { snapshotPrincipal } from '../runtime/snapshot-store.js';
import { startTelemetry } from '../runtime/telemetry.js';
import { writeWhole } from '../runtime/write-whole.js';

export interface EmbeddedWorld {
  readonly mode: 'embedded';
  /** Log, database, bodies and keys; made where it is missing. */
  readonly dataDir: string;
  /** Default 4; never changes once the folder is made. */
  readonly partitions?: number;
}

export interface KafkaWorld {
  readonly mode: 'kafka';
  readonly kafka: KafkaConnection;
  readonly registryUrl: string;
  readonly databaseUrl: string;
  readonly partitions: number;
  readonly topicPrefix?: string;
  /** Holds the key file of this blackboard; made where it is missing. */
  readonly dataDir: string;
}

export interface AllOptions {
  readonly world: EmbeddedWorld | KafkaWorld;
  readonly logger: Logger;
  /** 127.0.0.1 unless given; anything else needs API keys. */
  readonly host?: string;
  /** 0 or absent: any free one. */
  readonly port?: number;
  readonly apiKeys?: readonly ApiKey[];
  /** Folders that the collector may read below; none by default. */
  readonly collectorRoots?: readonly string[];
  readonly models?: Models | null;
  /** Run besides the agents that ship; each becomes a principal of its own name. */
  readonly agents?: readonly Agent[];
  readonly workflows?: readonly Workflow[];
  readonly contracts?: readonly Contract[];
  /** What workflow files define, with the agents that they export. */
  readonly loaded?: LoadedWorkflows;
  /** Decisions after which a partition's marker and checkpoint are renewed. Default: the orchestrator's. */
  readonly renewAfterRecords?: number;
  /** How often snapshots are taken. Default: theirs. */
  readonly snapshots?: Partial<Pick<SnapshotsOptions, 'everyRecords' | 'everyMs' | 'pollMs'>>;
}

export interface All {
  readonly ingressUrl: string;
  readonly gatewayUrl: string;
  readonly db: ListeningDatabase;
  readonly log: LogPort;
  readonly codec: EventCodec;
  /** Resolves with the first error that stopped a part for good. */
  readonly halted: Promise<Error>;
  close(): Promise<void>;
}

interface World {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly learn: ((id: number) => Promise<void>) | undefined;
  /** Resolves when the log takes nothing any more until it is opened again: its parts would try in vain for ever. */
  readonly broken: Promise<Error> | undefined;
  readonly db: ListeningDatabase;
  readonly bodies: BodyStore;
  readonly partitions: number;
  readonly prefix: string;
}

/** Starts everything; resolves when the ingress answers. What was begun is closed again when a part cannot start. */
export async function startAll(options: AllOptions): Promise<All> {
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    // In the order opposite to the start: doors first, the log and the stores last. What cannot be closed (a database
    // without room, say) must not keep the log's lock from being given back.
    const failures: unknown[] = [];
    for (const close of closers.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    return await startParts(options, closers, closeAll);
  } catch (error) {
    // Why it did not start says more than why a part of it did not end.
    await closeAll().catch(() => undefined);
    throw error;
  }
}

async function startParts(options: AllOptions, closers: (() => Promise<void>)[], closeAll: () => Promise<void>): Promise<All> {
  const { logger } = options;
  const telemetry = await startTelemetry({ service: 'blackboard' });
  closers.push(() => telemetry.stop());
  const seams = seamsFromEnvironment(process.env);
  const world = await openWorld(options, closers, seams);
  const { log, codec, db, bodies, partitions } = world;
  const topics = topicNames(world.prefix);
  const host = options.host ?? '127.0.0.1';
  const further = [...(options.agents ?? []), ...(options.loaded?.files ?? []).flatMap((file) => file.agents?.() ?? [])];
  const shipped = briefAgents({ collectorRoots: options.collectorRoots ?? [] });
  const agents = [...shipped, ...further];
  const principals = agentPrincipals(further, shipped);
  const keyring = await openKeys(options.world.dataDir, [...Object.keys(shippedPrincipals), snapshotPrincipal, ...Object.keys(principals)], seams);
  const learn = world.learn === undefined ? {} : { learn: world.learn };
  const policy = loadPolicy({}, { principals, workflows: [...(options.workflows ?? []), ...(options.loaded?.workflows ?? [])] });
  const known = new Map([...contracts, ...(options.loaded?.contracts ?? []), ...(options.contracts ?? []).map((contract) => [contract.name, contract] as const)]);

  const snapshots = postgresSnapshotStore(db);
  const orchestrator = await startOrchestrator({
    ...machineEffects, log, codec, keyring, topics, logger, seams, snapshots, contracts: known, policy, partitions, instance: `all-${process.pid}`,
    ...(options.renewAfterRecords === undefined ? {} : { renewAfterRecords: options.renewAfterRecords }),
  });
  closers.push(() => orchestrator.close());
  const projector = await startProjector({ log, codec, db, topic: topics.verified, logger, seams, ...learn });
  closers.push(() => projector.close());
  const snapshotting = await startSnapshots({ ...machineEffects, log, codec, keyring, topics, logger, seams, store: snapshots, ...learn, ...options.snapshots });
  closers.push(() => snapshotting.close());
  const gateway = await startGateway({ log, codec, keyring, topics, bodies, models: options.models ?? null, port: 0, host: '127.0.0.1', logger, seams, ...learn });
  closers.push(() => gateway.close());
  const running = await runAgents({ agents, log, codec, keyring, topics, gateway: { url: gateway.url }, logger, seams, ...learn });
  closers.push(() => running.drain());
  const ingress = await startIngress({
    log, codec, keyring, topics, db, gatewayUrl: gateway.url, apiKeys: options.apiKeys ?? [], host, port: options.port ?? 0, partitions, logger, seams,
    onCommitted: (listener) => projector.projector.onCommitted(listener), renderers: options.loaded?.renderers ?? resultRenderers,
  });
  closers.push(() => ingress.close());
  const broken = world.broken?.then((error) => {
    logger.fatal({ err: error }, 'the log takes no more writes; what was acknowledged is in it');
    return error;
  });
  return {
    ingressUrl: ingress.url, gatewayUrl: gateway.url, db, log, codec,
    halted: Promise.race([orchestrator.halted, projector.halted, gateway.halted, running.halted, ...(broken === undefined ? [] : [broken])]), close: closeAll,
  };
}

async function openWorld({ world, logger }: Pick<AllOptions, 'world' | 'logger'>, closers: (() => Promise<void>)[], seams: Seams): Promise<World> {
  const closing = <T extends { close(): Promise<void> }>(part: T): T => {
    closers.push(() => part.close());
    return part;
  };
  await mkdir(world.dataDir, { recursive: true, mode: 0o700 });
  const schemasDir = join(projectRoot, 'schemas');
  if (world.mode === 'kafka') {
    const prefix = world.topicPrefix ?? 'bb.';
    const log = closing(kafkaLog({ onTrouble: (message, cause) => logger.error({ err: cause }, message), ...world.kafka }));
    const { codec, learn } = await registryCodec({ url: world.registryUrl, schemasDir, topicPrefix: prefix });
    await through(seams, 'setup.migrate', () => migratePostgres(world.databaseUrl));
    const db = closing(openPgDatabase({ connectionString: world.databaseUrl }));
    return { log, codec, learn, broken: undefined, db, bodies: postgresBodyStore(db), partitions: world.partitions, prefix };
  }
  const partitions = world.partitions ?? 4;
  const topics = topicNames();
  // The log's lock comes first: it guards the database and the bodies as well.
  const log = closing(await through(seams, 'setup.open-log', () => openEmbeddedLog({
    directory: join(world.dataDir, 'log'),
    topics: [{ name: topics.quarantine, partitions }, { name: topics.verified, partitions }, { name: topics.control, partitions: 1 }, { name: topics.deadLetter, partitions: 1 }],
  })));
  const [db, bodies] = await Promise.all([through(seams, 'setup.open-database', () => openPgliteDatabase(join(world.dataDir, 'postgres'), { inThread: true })), openDiskBodyStore(join(world.dataDir, 'bodies'))]);
  closing(db);
  closing(bodies);
  await through(seams, 'setup.migrate', () => migrate(db));
  return { log, codec: embeddedCodec(schemasDir), learn: undefined, broken: log.broken, db, bodies, partitions, prefix: 'bb.' };
}

/** The keys of this blackboard, made on first use and added to when a principal is new; without them a folder is of no use. */
async function openKeys(dataDir: string, principals: readonly string[], seams: Seams): Promise<Keyring> {
  const path = join(dataDir, 'keys.json');
  const found = await readFile(path, 'utf8').then((text) => parseKeys(text, path), (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const missing = principals.filter((principal) => !found.some((key) => key.principal === principal));
  const keys = [...found, ...makeKeys(missing, 'k1')];
  if (missing.length > 0) await through(seams, 'setup.make-keys', () => writeWhole(path, keysText(keys)));
  return new Keyring(keys);
}
