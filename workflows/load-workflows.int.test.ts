import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadAgents } from '../services/agents/load-agents.js';
import { encodeBody } from '../services/runtime/codec/contract-codec.js';
import { BlackboardError } from '../services/runtime/errors.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { contracts as shipped } from './contracts.js';
import { loadWorkflows } from './load-workflows.js';

const checkout = join(projectRoot, 'examples/checkout/checkout.mjs');
const folder = mkdtempSync(join(tmpdir(), 'workflows-'));
after(() => rmSync(folder, { recursive: true, force: true }));
symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'dir');

function module(name: string, contract: string): string {
  const path = join(folder, name);
  writeFileSync(path, `import { z } from 'zod';
    export const contracts = [{ name: '${contract}', evidenceRequired: false, avro: { type: 'record', name: 'Thing', fields: [{ name: 'size', type: 'int' }] }, rules: z.strictObject({ size: z.int() }) }];
    export const workflow = { name: 'things', deadlineMs: 1000, result: 'one', steps: [{ id: 'one', agent: 'maker', contract: '${contract}', deadlineMs: 100 }] };`);
  return path;
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function refusal(paths: readonly string[]): Promise<string> {
  const error = await loadWorkflows(paths).then(() => assert.fail('it was loaded'), (thrown: unknown) => thrown);
  assert.ok(error instanceof BlackboardError && error.code === 'WORKFLOW_FILE_INVALID', String(error));
  return error.message;
}

test('puts modules, JSON files and folders of them beside what ships', async () => {
  const loaded = await loadWorkflows([checkout, join(projectRoot, 'examples/third-party-agent/workflows')]);
  assert.deepEqual(loaded.workflows.map(({ name }) => name), ['checkout', 'count-words']);
  for (const name of [...shipped.keys(), 'quote@1', 'payment@1', 'receipt@1']) assert.ok(loaded.contracts.has(name), name);
  assert.deepEqual((await loadWorkflows([])).contracts, new Map(shipped));
});

test('renders a result as its file says, and as JSON where it says nothing', async () => {
  const { contracts, renderers } = await loadWorkflows([checkout]);
  const body = (name: string, value: unknown): Buffer => encodeBody(contracts.get(name) ?? assert.fail(name), value);
  assert.equal(renderers['receipt@1']?.toMarkdown(body('receipt@1', { text: '1 tea', cents: 280 })), '1 tea: 2.80\n');
  assert.equal(renderers['quote@1']?.toMarkdown(body('quote@1', { item: 'tea', cents: 280 })), '```json\n{\n  "item": "tea",\n  "cents": 280\n}\n```\n');
  assert.deepEqual(renderers['quote@1']?.toJson(body('quote@1', { item: 'tea', cents: 280 })), { item: 'tea', cents: 280 });
  assert.throws(() => renderers['quote@1']?.toJson(Buffer.from('no body')), BlackboardError);
});

test('refuses a contract under a name that is taken, and names the next version', async () => {
  assert.match(await refusal([module('taken.mjs', 'note@1')]), /note@1 is known already; a changed contract is a new version, note@2/);
  assert.match(await refusal([checkout, module('again.mjs', 'quote@1')]), /quote@1 is known already/);
});

test('refuses a workflow under the name of one that ships, and JSON on which two readers may differ', async () => {
  const named = (name: string): string => JSON.stringify({ name, deadlineMs: 1000, result: 'one', steps: [{ id: 'one', agent: 'noop', contract: 'note@1', deadlineMs: 100 }] });
  assert.match(await refusal([write('brief.json', named('brief'))]), /workflow brief: one that ships has this name/);
  assert.match(await refusal([write('twice.json', named('twice').replace('{', '{"deadlineMs":1,'))]), /twice\.json: it cannot be read as JSON: .*the same key twice/);
  assert.deepEqual((await loadWorkflows([write('own.json', named('own'))])).workflows.map(({ name }) => name), ['own']);
});

test('refuses two workflows of one name, and a file that is not there, is none, or cannot be parsed', async () => {
  assert.match(await refusal([module('one.mjs', 'thing@1'), module('two.mjs', 'thing@2')]), /workflow things: another file has one of that name/);
  assert.match(await refusal([join(folder, 'nowhere.mjs')]), /nowhere\.mjs: there is no such file/);
  assert.match(await refusal([write('cut.mjs', 'export const workflow = {\n  name: "cut",\n  steps: [,;\n')]), /cut\.mjs: it cannot be loaded: .* \(line 3\)/);
  assert.match(await refusal([write('brief.yaml', 'name: brief\n')]), /brief\.yaml: a workflow file is a module/);
  mkdirSync(join(folder, 'empty'));
  assert.match(await refusal([join(folder, 'empty')]), /empty: the folder holds no \.json file/);
});

test('makes the agents of a workflow file without a stand-in for the world', async () => {
  assert.deepEqual((await loadAgents(checkout)).map(({ name }) => name), ['pricer', 'cashier', 'clerk']);
});
