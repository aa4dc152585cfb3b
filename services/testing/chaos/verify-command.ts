// Runs `blackboard verify` as anybody would, on the log, the audit table and the keys of a run.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jobId } from '../../blackboard/ids.js';
import { keysText } from '../../runtime/keys.js';
import { projectRoot } from '../../runtime/project-root.js';
import type { VerifyReport } from '../../verify/verify-log.js';
import type { Cluster } from '../cluster.js';
import type { Submission } from './load.js';

/** The client's side as `submit --history` writes it: a line for each try. */
function historyText(history: readonly Submission[]): string {
  return history.flatMap(({ key, tenant, tries, places }) => {
    const job = jobId(tenant, key);
    let acked = 0;
    return tries.map(({ end }) => {
      const [partition, offset] = end === 'acked' ? (places[acked++] ?? '').split('/').map(Number) : [];
      const outcome = end === 'acked' || end === 'refused' ? end : 'unknown';
      return `${JSON.stringify({ job, tenant, key, outcome, ...(end === 'acked' ? { partition, offset } : {}) })}\n`;
    });
  }).join('');
}

/** @throws with what the command said when it gave no report. */
export async function verifyWithCommand(cluster: Cluster, history: readonly Submission[] = []): Promise<VerifyReport> {
  const keysFile = join(cluster.folder, 'all.keys.json');
  writeFileSync(keysFile, keysText(cluster.keys), { mode: 0o600 });
  const historyFile = join(cluster.folder, 'history.jsonl');
  writeFileSync(historyFile, historyText(history));
  // The build that this very module belongs to.
  const build = fileURLToPath(new URL('../../..', import.meta.url));
  const child = spawn(process.execPath, [join(projectRoot, 'bin', 'blackboard.mjs'), 'verify', '--kafka', '--database', '--at-rest', '--json', '--keys', keysFile, '--history', historyFile], {
    env: { PATH: process.env['PATH'] ?? '', ...cluster.env, BLACKBOARD_BUILD_DIR: build }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = await once(child, 'close') as [number | null];
  try {
    return JSON.parse(Buffer.concat(out).toString()) as VerifyReport;
  } catch (cause) {
    throw new Error(`blackboard verify ended with ${code} and gave no report: ${Buffer.concat(said).toString().slice(-2_000)}`, { cause });
  }
}
