// node make-secrets.js DIR: makes every secret that docker-compose.yml names, each in a file of mode 0600. Files that
// exist are never written over: a key that is lost makes every claim signed with it unauthentic.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keysText, makeKeys } from '../../services/runtime/keys.js';
import { snapshotPrincipal } from '../../services/runtime/snapshot-store.js';
import { shippedPrincipals } from '../../workflows/policy.js';

const [dir] = process.argv.slice(2);
if (dir === undefined) {
  process.stderr.write('make-secrets: name the folder, e.g. node dist/infra/compose/make-secrets.js ./secrets\n');
  process.exitCode = 2;
} else writeAll(dir, secretFiles());

function secretFiles(): readonly (readonly [name: string, text: string])[] {
  const keys = makeKeys([...Object.keys(shippedPrincipals), 'projector', snapshotPrincipal], 'k1');
  const password = (): string => randomBytes(24).toString('hex');
  const databaseUrl = (user: string, secret: string): string => `postgres://${user}:${secret}@postgres:5432/blackboard`;
  const [owner, registry, apiKey] = [password(), password(), password()];
  return [
    ['keys-all.json', keysText(keys)],
    ...keys.map((key) => [`keys-${key.principal}.json`, keysText([key])] as const),
    ['postgres-password', owner],
    ['setup-database-url', databaseUrl('postgres', owner)],
    ...['projector', 'snapshots', 'orchestrator', 'ingress', 'gateway'].map((service) => [`${service}-database-url`, databaseUrl(`${service}_login`, password())] as const),
    ...['setup', ...keys.map((key) => key.principal)].map((user) => [`kafka-${user}`, password()] as const),
    ['registry-password', registry],
    ['registry.properties', `apicurio.datasource.password=${registry}\n`],
    ['api-key', apiKey],
    ['api-keys.json', `${JSON.stringify([{ hash: createHash('sha256').update(apiKey).digest('hex'), principal: 'operator', tenant: 'main' }])}\n`],
  ];
}

function writeAll(folder: string, files: readonly (readonly [name: string, text: string])[]): void {
  const taken = files.find(([name]) => existsSync(join(folder, name)));
  if (taken !== undefined) {
    process.stderr.write(`make-secrets: ${join(folder, taken[0])} exists; nothing was written. Name another folder.\n`);
    process.exitCode = 4;
    return;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of files) writeFileSync(join(folder, name), text, { mode: 0o600, flag: 'wx' });
  process.stdout.write(`${files.length} files in ${folder}; the API key of the operator is in ${join(folder, 'api-key')}\n`);
}
