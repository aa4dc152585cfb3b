// A short storm over the real parts: every fault at least once, then rest, then `blackboard verify`. The long one is
// `npm run chaos`.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { whatIsMissing } from '../../../infra/local/for-tests.js';
import { allFaults } from './faults/all-faults.js';
import { replicas } from './fleet.js';
import { shortProfile } from './profiles.js';
import { chaosText } from './render.js';
import { runChaos } from './run-chaos.js';

const named = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL'].filter((name) => (process.env[name] ?? '') !== '');
// Servers are killed: those that somebody names are not ours, and a machine that has none of its own cannot be stormed.
const skip = named.length > 0 ? `${named.join(' and ')} name servers that are not ours to kill` : await whatIsMissing({ kafka: true, registry: true, postgres: true });

describe('chaos on the real parts', { skip: skip ?? false, timeout: 840_000 }, () => {
  it('loses nothing, doubles nothing, and reads nothing unverified in a storm of all faults', async (t) => {
    const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 100_000);
    const said: string[] = [];
    const report = await runChaos({ ...shortProfile(), seed, faults: allFaults, say: (line) => void said.push(line) }).catch((error: unknown) => {
      t.diagnostic(said.slice(-60).join('\n'));
      throw error;
    });
    process.stdout.write(chaosText(report).replace(/^/gm, '# '));
    if (!report.ok) t.diagnostic(said.join('\n'));
    assert.deepEqual(report.problems, [], `seed ${seed}: npm run chaos -- --short --seed ${seed}`);
    assert.ok(report.verify.ok);
    for (const kind of Object.keys(replicas)) assert.ok((report.recovery.find((row) => row.kind === kind)?.kills ?? 0) > 0, `${kind} was killed at least once`);
  });
});
