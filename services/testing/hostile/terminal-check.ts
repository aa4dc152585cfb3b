// What an operator sees of the adversary's records: every view of the command, run as a process on what the run left
// behind, must print nothing that acts on a terminal.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../../runtime/project-root.js';
import type { BenchCluster } from './bench-cluster.js';

// All controls but line feed and tab, and what changes the reading direction or hides.
const acts = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e0fff}]/u;

const viewTimeoutMs = 120_000;

/** Each view with what in it acts on a terminal; empty: none does. @throws when a view cannot be shown at all. */
export async function viewsThatAct({ cluster, ingressUrl }: BenchCluster, jobs: readonly string[]): Promise<readonly string[]> {
  const [job = '', ...others] = jobs;
  const views = [
    ['list'], ['status', job], ['board', job], ['audit', job], ['watch', job], ['replay', job, '--kafka'], ['dead-letter', 'list', '--kafka'],
    ...others.flatMap((other) => [['board', other], ['audit', other], ['status', other]]),
  ];
  const found = await Promise.all(views.map(async (view) => {
    const { code, text } = await run(cluster, ingressUrl, view);
    if (text === '' || (code !== 0 && code !== 1)) throw new Error(`blackboard ${view.join(' ')} ended with ${code ?? 'no code, after its time was over,'} and said: ${text.slice(0, 500)}`);
    const match = acts.exec(text);
    return match === null ? [] : [`blackboard ${view.join(' ')} prints U+${(match[0].codePointAt(0) ?? 0).toString(16)} at ${match.index}`];
  }));
  return found.flat();
}

async function run(cluster: BenchCluster['cluster'], ingressUrl: string, args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  // The build that this very module belongs to.
  const build = fileURLToPath(new URL('../../..', import.meta.url));
  const child = spawn(process.execPath, [join(projectRoot, 'bin', 'blackboard.mjs'), ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...cluster.env, BLACKBOARD_URL: ingressUrl, BLACKBOARD_BUILD_DIR: build, COLUMNS: '160' }, stdio: ['ignore', 'pipe', 'pipe'],
    // A view that does not end is one that the adversary keeps from its end.
    timeout: viewTimeoutMs,
  });
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => parts.push(chunk));
  const [code] = await once(child, 'close') as [number | null];
  return { code, text: Buffer.concat(parts).toString() };
}
