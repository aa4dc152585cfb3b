// node write-topology.js: writes docs/topology.md from topics/topics.ts. A test holds the two equal.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../services/runtime/project-root.js';
import { topologyPage } from './topology-page.js';

writeFileSync(join(projectRoot, 'docs', 'topology.md'), topologyPage());
