import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../services/runtime/project-root.js';
import { composeSchemas, sharedFields } from './compose.js';
import { generateTypes } from './generate.js';

const schemasDir = join(projectRoot, 'schemas');

test('the generated types are those of the schemas: else run "node dist/schemas/generate.js"', () => {
  assert.equal(readFileSync(join(schemasDir, 'generated/events.ts'), 'utf8'), generateTypes(composeSchemas(schemasDir), sharedFields(schemasDir)));
});
