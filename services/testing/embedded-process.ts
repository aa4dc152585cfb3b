// Everything in one process on an embedded folder, for tests that kill it: says where it listens on stdout.
// EMBEDDED_PROCESS is JSON: { dataDir, collectorRoots, port }.

import { createLogger } from '../runtime/logger.js';
import { startAll } from '../up/start-all.js';

const told = JSON.parse(process.env['EMBEDDED_PROCESS'] ?? '{}') as { readonly dataDir: string; readonly collectorRoots: readonly string[]; readonly port: number };
const all = await startAll({ world: { mode: 'embedded', dataDir: told.dataDir }, logger: createLogger({ service: 'up', level: 'warn' }), collectorRoots: told.collectorRoots, port: told.port });
process.stdout.write(`${all.ingressUrl}\n`);
void all.halted.then((error) => {
  process.stderr.write(`halted: ${error.message}\n`);
  process.exitCode = 1;
  return all.close();
});
process.once('SIGTERM', () => void all.close());
