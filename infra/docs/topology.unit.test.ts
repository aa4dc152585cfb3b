import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../services/runtime/project-root.js';
import { topologyPage } from './topology-page.js';

test('docs/topology.md is what the topology data makes', () => {
  assert.equal(readFileSync(join(projectRoot, 'docs', 'topology.md'), 'utf8'), topologyPage(), 'write it again: npm run build && node dist/infra/docs/write-topology.js');
});
