// node write-env-example.js: writes .env.example from the configuration schemas. A test holds the two equal.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../services/runtime/project-root.js';
import { envExampleText } from './env-example-text.js';

writeFileSync(join(projectRoot, '.env.example'), await envExampleText());
