// docs/upstream.md says what the code does: its map is a map, its fields are the schema's, its reasons are the gate's.

import assert from 'node:assert/strict';
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { migrate } from '../../infra/sql/migrate.js';
import { composeSchemas } from '../../schemas/compose.js';
import { topicNames } from '../../topics/topics.js';
import { loadPolicy } from '../../workflows/policy.js';
import { refusals } from '../blackboard/reasons.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { subjectOf } from '../runtime/codec/registry-codec.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import { projectRoot } from '../runtime/project-root.js';
import { bridgeMapSchema, readBridgeMap } from './bridge-map.js';
import { bridgeConfigSchema } from './config.js';

const text = readFileSync(join(projectRoot, 'docs/upstream.md'), 'utf8');
const blocks = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const schema = composeSchemas(join(projectRoot, 'schemas')).find(({ name }) => name === 'JobSubmitted');
const inFolder = <T>(content: string, use: (path: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), 'upstream-docs-'));
  try {
    writeFileSync(join(folder, 'file.json'), content);
    return use(join(folder, 'file.json'));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('the map of the document is one that the bridge takes, and all its fields are described', () => {
  const map = inFolder(blocks[0] ?? '', readBridgeMap);
  assert.equal(map.source.topic, 'crm.questions');
  for (const field of [...Object.keys(bridgeMapSchema.shape).filter((name) => name !== 'source'), ...Object.keys(bridgeMapSchema.shape.source.shape).map((name) => `source.${name}`)]) assert.ok(text.includes(`\`${field}\``), field);
  assert.ok('BRIDGE_MAP' in bridgeConfigSchema.shape && text.includes('BRIDGE_MAP'));
});

test('the principal of the document is one that the policy takes', () => {
  assert.deepEqual(inFolder(blocks[1] ?? '', (principalsFile) => loadPolicy({ principalsFile })).principals['upstream-acme'], { role: 'upstream', agent: '', tenants: ['acme'] });
});

test('the fields of the document are those of the schema, in order, with its fingerprint and subject', () => {
  const rows = [...text.matchAll(/^\| `(\w+)` \| (string|long|int|bytes) \|/gm)].map((match) => `${match[1] ?? ''}: ${match[2] ?? ''}`);
  assert.deepEqual(rows, schema?.avro.fields.map(({ name, type }) => `${name}: ${String(type)}`));
  assert.ok(text.includes(embeddedCodec(join(projectRoot, 'schemas')).fingerprintOf('JobSubmitted').toString('hex')));
  assert.ok(schema !== undefined && text.includes(`${subjectOf(schema, topicNames().prefix)}\``));
});

test('every reason of the document is one that the gate gives', () => {
  const reasons = [...(text.split('| reason |')[1] ?? '').split('\n\n')[0]?.matchAll(/^\| `([\w-]+)` \|/gm) ?? []].map((match) => match[1] ?? '');
  assert.ok(reasons.length >= 8);
  for (const reason of reasons) assert.ok(Object.hasOwn(refusals, reason), reason);
});

test('the lines that filter epochs stand in the example as they stand in the document', () => {
  const example = readFileSync(join(projectRoot, 'examples/foreign-producer/read-facts.mjs'), 'utf8');
  const [first = '', second = ''] = (/```js\n([\s\S]*?)```/.exec(text)?.[1] ?? '').split('\n');
  assert.ok(example.includes(first) && first !== '');
  assert.ok(example.includes(second.slice(0, second.indexOf(') print') + 1)) && second.includes('print'));
});

test('the query of the document is one that the tables answer', async () => {
  const query = /```sql\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  assert.match(query, /FROM rejections/);
  const db = await openPgliteDatabase();
  try {
    await migrate(db);
    assert.deepEqual(await db.query(query), []);
  } finally {
    await db.close();
  }
});
