// A pass of the crash sweep for every commit: each seam of the embedded default once, before and after in turns, and one
// of each service's on real servers. The exhaustive sweeps and the random pairs: npm run crash-sweep.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whatIsMissing } from '../../../infra/local/for-tests.js';
import { seamsOf, type SeamName } from '../../runtime/seam-names.js';
import { oneSideEach, randomPairs, type KillReport } from './kills.js';
import { sweepEmbedded } from './sweep-embedded.js';
import { sweepKafka } from './sweep-kafka.js';

const kills = oneSideEach('embedded');
const pairs = Number(process.env['CRASH_SWEEP_PAIRS'] ?? 1);

test(`a process killed at any of its ${kills.length} seams loses nothing, doubles nothing and leaves no job behind`, { timeout: 900_000 }, async (t) => {
  const setup = kills.filter(({ name }) => name.startsWith('setup.'));
  const others = kills.filter(({ name }) => !name.startsWith('setup.'));
  const half = Math.floor(others.length / 2) - 2;
  const late: string[] = [];
  const onKill = ({ kill, isReached }: KillReport): void => { if (!isReached) late.push(`${kill.name}:${kill.side}`); };
  const reports = await Promise.all([
    sweepEmbedded({ name: 'first', kills: [...setup, ...others.slice(0, half)], onKill }),
    sweepEmbedded({ name: 'second', kills: [...others.slice(half), ...randomPairs('embedded', pairs, 1).flat()], onKill }),
  ]);
  assert.deepEqual(reports.flatMap(({ problems }) => problems), []);
  assert.deepEqual(reports.flatMap((report) => report.kills.flatMap(({ kill, problems }) => problems.map((problem) => `${kill.name}:${kill.side}: ${problem}`))), []);
  assert.deepEqual(late, [], 'a seam that is never reached is not covered');
  assert.equal(new Set(reports.flatMap((report) => report.kills.map(({ kill }) => kill.name))).size, seamsOf('embedded').length);
  for (const { figures } of reports) t.diagnostic(JSON.stringify(figures));
});

const skip = (await whatIsMissing({ kafka: true, registry: true, postgres: true })) ?? false;
const ofServices: readonly SeamName[] = ['setup.migrate', 'ingress.append-submission', 'orchestrator.append-decision', 'agents.append-claim', 'gateway.get-body', 'projector.commit', 'bridge.append-submission', 'snapshots.add'];

test('each service, killed once beside the others on real servers, loses nothing and doubles nothing', { skip, timeout: 900_000 }, async (t) => {
  const { kills: reports, problems, figures } = await sweepKafka({ name: 'short', kills: ofServices.map((name) => ({ name, side: 'after', count: 1 })), onKill: () => undefined });
  assert.deepEqual([...problems, ...reports.flatMap((report) => report.problems)], []);
  assert.deepEqual(reports.filter(({ isReached }) => !isReached).map(({ kill }) => kill.name), []);
  assert.equal(reports.length, ofServices.length);
  t.diagnostic(JSON.stringify(figures));
});
