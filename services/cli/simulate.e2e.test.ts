// docs/simulate.md, run as it stands: the example with its planted bug is found out, the mended one holds, and the same
// file runs in `up`.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../runtime/project-root.js';

const text = readFileSync(join(projectRoot, 'docs/simulate.md'), 'utf8');
const env = { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|KAFKA_|BLACKBOARD_|SCHEMA_|DATABASE_)/.test(name))), BLACKBOARD_BUILD_DIR: fileURLToPath(new URL('../..', import.meta.url)) };

/** The arguments of a command of the document. */
function documented(name: string): readonly string[] {
  const line = new RegExp(`\`\`\`sh simulate=${name}\\nblackboard (.*)\\n`).exec(text)?.[1];
  assert.ok(line !== undefined, name);
  return line.split(' ');
}

/** What the document shows of an answer, a line each; `…` stands for what it leaves out. */
function shown(): readonly RegExp[] {
  const block = /```text\n([^`]*)```/.exec(text)?.[1];
  assert.ok(block !== undefined);
  const lines = block.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '…');
  return lines.map((line) => new RegExp(`^${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace('…', '[0-9a-f]+')}$`, 'm'));
}

interface Ran { readonly code: number; readonly stdout: string; readonly stderr: string }

function blackboard(args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(projectRoot, 'bin/blackboard.mjs'), ...args], { cwd: projectRoot, env, timeout: 300_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }));
  });
}

test('finds the planted bug of the example, and the command it prints finds it again', { timeout: 400_000 }, async () => {
  const found = await blackboard([...documented('bug'), '--json']);
  assert.equal(found.code, 6, found.stderr);
  const { failures, seeds } = JSON.parse(found.stdout) as { readonly seeds: number; readonly failures: readonly { readonly violations: readonly { readonly what: string }[]; readonly repeat: string }[] };
  assert.ok(seeds <= 200);
  const [first] = failures;
  assert.match(first?.violations[0]?.what ?? '', /^"a card is charged at most once": charged \d times; job [0-9a-f]{32}/);
  const again = await blackboard((first?.repeat ?? '').split(' ').slice(1));
  assert.equal(again.code, 6, again.stderr);
  assert.ok(again.stdout.includes(first?.violations[0]?.what ?? 'nothing'), again.stdout);
  assert.match(again.stdout, /repeat: blackboard simulate --workflow examples\/checkout\/checkout-with-bug\.mjs --seed \d+\n/);
});

test('answers the command that the document repeats a seed by as the document says', { timeout: 400_000 }, async () => {
  const repeat = /repeat: blackboard (.*)\n/.exec(text)?.[1] ?? '';
  const { code, stdout, stderr } = await blackboard(repeat.split(' '));
  assert.equal(code, 6, stderr);
  for (const line of shown()) assert.match(stdout, line);
});

test('lets the mended example pass', { timeout: 400_000 }, async () => {
  const { code, stdout, stderr } = await blackboard(documented('mended'));
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /checkout: completed +\d+\n/);
  assert.match(stdout, /\n0 seeds failed\n$/);
});

test('refuses a file that is none with 2, and says what to do', async () => {
  const { code, stdout, stderr } = await blackboard(['simulate', '--workflow', 'examples/checkout/README.md']);
  assert.deepEqual([code, stdout], [2, ''], stderr);
  assert.match(stderr, /WORKFLOW_FILE_INVALID|cannot be loaded/);
});

test('runs the same file in up, and takes its decisions again with its contracts', { timeout: 300_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'blackboard-checkout-'));
  try {
    const up = spawn(process.execPath, [join(projectRoot, 'bin/blackboard.mjs'), ...documented('up'), '--data', dataDir, '--port', '0', '--json'], { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(up, 'close');
    try {
      const [line] = await once(createInterface(up.stdout), 'line') as [string];
      const { ingressUrl } = JSON.parse(line) as { readonly ingressUrl: string };
      const submitted = await fetch(`${ingressUrl}/v1/jobs`, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'one' }, body: '{"workflow":"checkout","params":{"item":"coffee"}}' });
      const { job } = await submitted.json() as { readonly job: string };
      const result = await fetch(`${ingressUrl}/v1/jobs/${job}/result?wait=60`, { headers: { accept: 'text/markdown' } });
      assert.equal(await result.text(), '1 coffee: 3.20\n');
      const asJson = await fetch(`${ingressUrl}/v1/jobs/${job}/result`);
      assert.deepEqual((await asJson.json() as { readonly result: { readonly value: unknown } }).result.value, { text: '1 coffee', cents: 320 });
    } finally {
      up.kill('SIGTERM');
      await closed;
    }
    const verified = await blackboard(['verify', '--data', dataDir, '--at-rest', '--workflow', documented('up').at(-1) ?? '']);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    // Without its contracts the gate of today would have refused what was accepted then.
    assert.equal((await blackboard(['verify', '--data', dataDir, '--at-rest'])).code, 6);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
