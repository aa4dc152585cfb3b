#!/usr/bin/env node
// Plain Node: says what is missing before anything is imported that may not be there.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
// Another build of the same sources, for working on them.
const build = pathToFileURL(`${resolve(root, process.env.BLACKBOARD_BUILD_DIR ?? 'dist')}/`);
const entry = new URL('services/cli/main.js', build);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`blackboard: Node ${process.versions.node} is too old: 20.19 or newer is needed (https://nodejs.org)\n`);
  process.exitCode = 78;
} else if (!existsSync(fileURLToPath(entry))) {
  process.stderr.write(`blackboard: it is not built yet. Run "npm ci && npm run build" in ${root}, or "node scripts/run.mjs <command>", which does both.\n`);
  process.exitCode = 78;
} else {
  const { runCli } = await import(entry.href);
  await runCli(process.argv.slice(2));
}
