// Writes openapi.json from the routes. Run it after a change of the API: node dist/services/ingress/write-openapi.js

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../runtime/logger.js';
import { projectRoot } from '../runtime/project-root.js';
import { ingressApi } from './api.js';
import type { IngressParts } from './routes.js';

// The description needs no log, database or gateway: no route is called.
const app = await ingressApi({ apiKeys: [], renderers: {}, logger: createLogger({ service: 'ingress', level: 'silent' }) } as unknown as IngressParts);
const response = await app.inject({ method: 'GET', url: '/openapi.json' });
writeFileSync(join(projectRoot, 'services/ingress/openapi.json'), `${JSON.stringify(response.json(), null, 2)}\n`);
await app.close();
