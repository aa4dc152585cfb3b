import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadPolicy } from './policy.js';

const folder = mkdtempSync(join(tmpdir(), 'policy-'));
const principalsFile = join(folder, 'principals.json');
after(() => rmSync(folder, { recursive: true, force: true }));

function policyOf(text: string): ReturnType<typeof loadPolicy> {
  writeFileSync(principalsFile, text);
  return loadPolicy({ principalsFile });
}

test('adds the principals of a file to those that ship', () => {
  const { principals } = policyOf('{"crm":{"role":"upstream","tenants":["acme"]}}');
  assert.deepEqual(principals['crm'], { role: 'upstream', agent: '', tenants: ['acme'] });
  assert.equal(principals['gateway']?.role, 'gateway');
});

test('refuses a file with a principal twice, for one of the two would be silently another than was read', () => {
  assert.throws(() => policyOf('{"crm":{"role":"upstream","tenants":["acme"]},"crm":{"role":"operator"}}'), { code: 'CONFIG_INVALID', message: /\/crm: .*same key twice/ });
  assert.throws(() => policyOf('{"crm":'), { code: 'CONFIG_INVALID' });
  assert.throws(() => loadPolicy({ principalsFile: join(folder, 'none.json') }), { code: 'CONFIG_INVALID', message: /cannot be read/ });
});
