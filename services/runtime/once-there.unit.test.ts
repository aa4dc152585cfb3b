import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onceThere } from './once-there.js';

class Away extends Error {}
const isAway = (error: unknown): boolean => error instanceof Away;

test('waits for what is away, and says so once', async () => {
  const said: unknown[] = [];
  let tries = 0;
  const answer = await onceThere('it', { logger: { warn: (...line: unknown[]) => void said.push(line) }, isAway }, async () => {
    if ((tries += 1) < 3) throw new Away();
    return 'there';
  });
  assert.equal(answer, 'there');
  assert.equal(tries, 3);
  assert.equal(said.length, 1);
});

test('does not try again what waiting cannot heal, nor beyond its patience', async () => {
  let tries = 0;
  const failing = (error: Error) => async (): Promise<never> => {
    tries += 1;
    throw error;
  };
  const logger = { warn: () => undefined };
  await assert.rejects(onceThere('it', { logger, isAway }, failing(new Error('for good'))), /for good/);
  assert.equal(tries, 1);
  await assert.rejects(onceThere('it', { logger, isAway, patienceMs: 120 }, failing(new Away('still'))), /still/);
  assert.ok(tries > 1 && tries < 6);
});
