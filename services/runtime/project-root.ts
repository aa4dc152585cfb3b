import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The absolute folder that holds this package's own package.json, found by walking up from the running
 * module, so that SQL, Avro and workflow files are read from one place whether the code runs from a
 * build folder or from an installed package.
 */
export const projectRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'blackboard') return folder;
    if (dirname(folder) === folder) throw new Error(`no package.json of "blackboard" above ${from}: the installation is incomplete, install it again`);
  }
}
