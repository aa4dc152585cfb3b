// Services as processes on real servers: what they refuse at their start, in words and by exit code, and what they say
// at their end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Checkpointed } from '../../schemas/generated/events.js';
import { startBroker } from '../../infra/local/broker.js';
import { whatIsMissing } from '../../infra/local/for-tests.js';
import { newestCheckpoint } from '../orchestrator/newest-checkpoint.js';
import { Cluster } from '../testing/cluster.js';
import { keysText } from './keys.js';
import { within } from './within.js';

const skip = (await whatIsMissing({ kafka: true, registry: true, postgres: true })) ?? false;
const nobody = { GATEWAY_URL: 'http://127.0.0.1:1' };

describe('a service as a process', { skip, timeout: 240_000 }, () => {
  let cluster: Cluster;
  before(async () => { cluster = await Cluster.open({ name: 'stage', partitions: 2 }); });
  after(() => cluster.close());

  it('does not start as a gateway with no key of an agent', async () => {
    const file = join(cluster.folder, 'no-agent.keys.json');
    writeFileSync(file, keysText(cluster.keys.filter(({ principal }) => principal === 'gateway' || principal === 'ingress')), { mode: 0o600 });
    await assert.rejects(cluster.start('gateway', { BLACKBOARD_KEYS_FILE: file, GATEWAY_PORT: '0' }), /ended with 78: [^]*gateway: CONFIG_INVALID: BLACKBOARD_KEYS holds no key of an agent/);
  });

  it('does not start as an ingress beside the rows of another prefix', async () => {
    await cluster.db.query("INSERT INTO watermarks (topic, partition, next_offset, epoch, digest) VALUES ('other.verified', 0, 1, 0, '')");
    try {
      await assert.rejects(cluster.start('ingress', { ...nobody, INGRESS_PORT: '0' }), /ended with 1: [^]*ingress: CONFLICT: the database holds the rows of other\.verified/);
    } finally {
      await cluster.db.query("DELETE FROM watermarks WHERE topic = 'other.verified'");
    }
  });

  it('names a port that is taken, and the variables to set', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = String((taken.address() as AddressInfo).port);
    try {
      for (const [service, over] of [['gateway', { GATEWAY_PORT: port }], ['ingress', { ...nobody, INGRESS_PORT: port }]] as const) {
        const name = service.toUpperCase();
        await assert.rejects(cluster.start(service, over), new RegExp(`ended with 1: [^]*${service}: EADDRINUSE: 127\\.0\\.0\\.1:${port} cannot be bound: another process has it\\..* The variables are ${name}_HOST and ${name}_PORT\\.`));
      }
    } finally {
      taken.close();
    }
  });

  it('puts in force how long ids of ended jobs are remembered, as its environment says', async () => {
    const running = await cluster.start('orchestrator', { BLACKBOARD_REMEMBER_MINUTES: '90' });
    try {
      const { log, codec, topics } = cluster;
      let found: Checkpointed | null = null;
      for (const end = Date.now() + 30_000; found === null && Date.now() < end; await sleep(100)) {
        const [range] = await log.ranges(topics.verified);
        if (range !== undefined) found = await newestCheckpoint({ log, codec, topic: topics.verified, range });
      }
      assert.match(found?.policy ?? '', /"rememberMs":5400000\b/);
    } finally {
      cluster.kill(running);
    }
  });

  it('says that it was asked to stop, and that it has stopped', async () => {
    for (const [service, over] of [['projector', {}], ['ingress', { ...nobody, INGRESS_PORT: '0' }]] as const) {
      const running = await cluster.start(service, over);
      running.child.kill('SIGTERM');
      const [code] = await once(running.child, 'exit') as [number | null];
      assert.equal(code, 0);
      const said = cluster.lines(running).filter(({ level }) => level === 'info').map(({ msg, signal }) => (signal === undefined ? msg : `${signal as string}: ${msg as string}`));
      assert.ok(said.includes(`SIGTERM: ${service} was asked to stop; it ends what is under way`), said.join('\n'));
      assert.equal(said.at(-1), `${service} stopped`);
    }
  });
});

// Longer than what it may take to say farewell, commit a last time and be rid of what is left open; far below the 30 s
// after which a supervisor kills.
const endMsMax = 12_000;

for (const [state, how, signal] of [['away', 'gone', 'SIGKILL'], ['frozen', 'silent', 'SIGSTOP']] as const) {
  it(`ends soon after it was asked to stop, although its broker is ${state}`, { skip, timeout: 120_000 }, async (test) => {
    const broker = await startBroker({ security: 'none' });
    test.after(() => { if (signal === 'SIGSTOP') process.kill(broker.pid, 'SIGCONT'); });
    const cluster = await Cluster.open({ name: how, partitions: 2, servers: { bootstrap: broker.bootstrap } });
    test.after(() => within(cluster.close(), endMsMax).catch(() => undefined));
    test.after(() => broker.stop());
    const running = [await cluster.start('projector'), await cluster.start('orchestrator'), await cluster.start('snapshots')];
    // Markers and checkpoints are in rows: there are positions to commit.
    while ((await cluster.db.query('SELECT 1 FROM audit_rows')).length < 4) await sleep(100);
    process.kill(broker.pid, signal);
    await sleep(2_000);
    const sinceMs = performance.now();
    for (const { child } of running) child.kill('SIGTERM');
    const codes = await Promise.all(running.map(async ({ child, service }) => {
      const [code] = await within(once(child, 'exit'), endMsMax).catch(() => [`${service} still ran after ${endMsMax} ms`]) as [unknown];
      return code;
    }));
    assert.deepEqual(codes, [0, 0, 0]);
    test.diagnostic(`all had ended after ${Math.round(performance.now() - sinceMs)} ms`);
  });
}
