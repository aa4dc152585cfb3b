import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { sharedPostgres, whatIsMissing } from './for-tests.js';

const skip = (await whatIsMissing({ postgres: true })) ?? false;

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

for (const [how, tell] of [
  ['its stdin closes', (child: ReturnType<typeof spawn>) => child.stdin?.end()],
  ['it gets SIGTERM', (child: ReturnType<typeof spawn>) => child.kill('SIGTERM')],
] as const) {
  test(`the stack's process says its addresses in one line, and stops everything when ${how}`, { skip, timeout: 120_000 }, async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./stack-main.js', import.meta.url)), 'postgres'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), closed]);
    const { postgresUrl } = JSON.parse(said) as { postgresUrl: string };
    assert.ok(await answers(postgresUrl));
    tell(child);
    assert.equal(await closed, 0);
    assert.equal(said.trimEnd().split('\n').length, 1);
    assert.equal(await answers(postgresUrl), false);
  });
}

test('within a process a server is shared until its last release', { skip, timeout: 120_000 }, async () => {
  const before = process.env['BLACKBOARD_TEST_STACK'];
  delete process.env['BLACKBOARD_TEST_STACK'];
  try {
    const first = await sharedPostgres();
    const second = await sharedPostgres();
    assert.equal(second.postgresUrl, first.postgresUrl);
    await first.release();
    await first.release();
    assert.ok(await answers(second.postgresUrl), 'a second release by the same holder counts once');
    await second.release();
    assert.equal(await answers(second.postgresUrl), false);
  } finally {
    if (before !== undefined) process.env['BLACKBOARD_TEST_STACK'] = before;
  }
});
