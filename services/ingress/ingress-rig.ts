// For tests of ingress: a memory log, a database in memory, the real projector and the real gateway, and a hand that
// writes facts where the orchestrator would.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../infra/sql/migrate.js';
import type { Fact } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import { startGateway } from '../gateway/start-gateway.js';
import { runProjector } from '../projector/run-projector.js';
import { sampleFact } from '../projector/testing/sample-facts.js';
import { openDiskBodyStore } from '../runtime/bodies/disk-body-store.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { Keyring } from '../runtime/keyring.js';
import { MemoryLogStore, type AppendFault } from '../runtime/log/memory/memory-log.js';
import { createLogger } from '../runtime/logger.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import { projectRoot } from '../runtime/project-root.js';
import { startIngress, type Ingress, type IngressOptions } from './start-ingress.js';

export const rigPolicy = JSON.stringify({ principals: { ingress: { role: 'ingress', agent: '', tenants: ['*'] } }, rememberMs: 86_400_000 });

/** Everything around ingress; `ingress` starts a door over it, which `close` closes as well. */
export async function ingressRig() {
  const topics = topicNames('test.');
  const partitions = 2;
  const codec = embeddedCodec(join(projectRoot, 'schemas'));
  let fault: AppendFault = 'ok';
  const store = new MemoryLogStore({
    topics: [{ name: topics.verified, partitions }, { name: topics.quarantine, partitions }],
    faults: { onAppend: (batch) => (batch.topic === topics.quarantine ? fault : 'ok') },
  });
  const log = store.open();
  const keyring = new Keyring(['ingress', 'gateway'].map((principal) => ({ principal, keyId: 'k1', secret: randomBytes(32) })));
  const logger = createLogger({ service: 'test' });
  const db = await openPgliteDatabase();
  await migrate(db);
  const folder = await mkdtemp(join(tmpdir(), 'ingress-test-'));
  const bodies = await openDiskBodyStore(folder);
  const epochs = new Map<number, number>();

  /** Appends facts of one decision, under the epoch of the partition. */
  const say = async (partition: number, ...facts: readonly Fact[]): Promise<number> => {
    const epoch = epochs.get(partition) ?? 0;
    const records = facts.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact.type === 'EpochStarted' ? fact : { ...fact, epoch }) }));
    return (await log.append({ topic: topics.verified, partition, records })).baseOffset;
  };
  for (let partition = 0; partition < partitions; partition += 1) {
    epochs.set(partition, await say(partition, sampleFact('EpochStarted', { epoch: -1, job: '' }), sampleFact('Checkpointed', { job: '', policy: rigPolicy })));
  }
  const projector = await runProjector({ log, codec, db, topic: topics.verified, group: 'projector', onHalt: (error) => { throw error; } });
  const gateway = await startGateway({ log, codec, keyring, topics, bodies, models: null, port: 0, host: '127.0.0.1', logger, waitMsMax: 500 });
  const doors: Ingress[] = [];
  return {
    topics, codec, log, keyring, db, bodies, say, gateway,
    /** What the next appends to quarantine meet. */
    setFault: (next: AppendFault): void => { fault = next; },
    ingress: async (over: Partial<IngressOptions> = {}): Promise<Ingress> => {
      const door = await startIngress({
        log, codec, keyring, topics, db, gatewayUrl: gateway.url, apiKeys: [], host: '127.0.0.1', port: 0, partitions, logger, onCommitted: (listener) => projector.onCommitted(listener), ...over,
      });
      doors.push(door);
      return door;
    },
    close: async (): Promise<void> => {
      for (const door of doors) await door.close();
      await gateway.close();
      await projector.stop();
      await log.close();
      await db.close();
      await bodies.close();
      await rm(folder, { recursive: true });
    },
  };
}

export type IngressRig = Awaited<ReturnType<typeof ingressRig>>;
