// node scripts/run.mjs demo|test|evals|simulate|log-anomalies|mutants|chaos|crash-sweep|hostile|<any command of blackboard> [arguments]
// Installs when node_modules is missing or older than the lock file, builds when a source is newer than the build,
// then runs the thing where the user stands. Plain Node: nothing is imported that may not be installed yet.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist', '.built');
const sources = ['schemas', 'topics', 'services', 'workflows', 'replay', 'evals', 'infra', 'bench'];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Node ${process.versions.node} is too old: 20.19 or newer is needed. Get it from https://nodejs.org.`);

const [what = '--help', ...rest] = process.argv.slice(2);
await install();
await build();
process.exitCode = await runThing();

async function install() {
  const installedMs = modifiedMs(join(root, 'node_modules', '.package-lock.json'));
  if (installedMs > 0 && installedMs >= modifiedMs(join(root, 'package-lock.json'))) return;
  say('installing packages (npm ci), once');
  const npm = process.env.npm_execpath;
  const [command, before] = npm !== undefined && /npm-cli\.js$/.test(npm) ? [process.execPath, [npm]] : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error'];
  let { code, said } = await capture(command, [...before, 'ci', ...quietly]);
  if (code !== 0 && said.includes('EUSAGE')) {
    // A registry may lack packages for other platforms, and a lock file that was made there names none of them: the
    // strict install then refuses. This one takes the same locked versions, and leaves the lock file as it is.
    say('the lock file names packages of this platform only: installing from it with npm install --no-save');
    ({ code, said } = await capture(command, [...before, 'install', '--no-save', ...quietly]));
  }
  if (code === 0) return;
  process.stderr.write(said);
  fail(`npm failed (exit ${code}). Is the package registry reachable ("npm ping")? Behind a proxy, set HTTPS_PROXY or "npm config set proxy"; then run this again.`);
}

async function build() {
  if (modifiedMs(stamp) >= newestSourceMs()) return;
  say('building');
  const startedAtMs = Date.now();
  const code = await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json'], { cwd: root });
  if (code !== 0) fail('the build failed: mend the errors above and run this again.');
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stamp, `${new Date(startedAtMs).toISOString()}\n`);
}

function runThing() {
  // npm moves to the package's folder; paths that the user typed are meant from where they stand.
  const cwd = process.env.npm_lifecycle_event === undefined ? process.cwd() : process.env.INIT_CWD ?? process.cwd();
  if (what === 'test') return run(process.execPath, [join(root, 'scripts', 'test.mjs'), ...rest], { cwd: root });
  if (what === 'simulate') return run(process.execPath, [join(root, 'dist', 'services', 'testing', 'simulation', 'main.js'), ...rest], { cwd });
  if (what === 'mutants') return run(process.execPath, [join(root, 'dist', 'services', 'testing', 'mutants', 'run-mutants.js'), ...rest], { cwd });
  if (what === 'hostile') return run(process.execPath, [join(root, 'dist', 'services', 'testing', 'hostile', 'main.js'), ...rest], { cwd });
  if (what === 'crash-sweep') return run(process.execPath, [join(root, 'dist', 'services', 'testing', 'crash-sweep', 'main.js'), ...rest], { cwd });
  if (what === 'chaos') return run(process.execPath, [join(root, 'dist', 'services', 'testing', 'chaos', 'main.js'), ...rest], { cwd });
  if (what === 'bench') return run(process.execPath, [join(root, 'dist', 'bench', 'main.js'), ...rest], { cwd });
  if (what === 'log-anomalies') return run(process.execPath, [join(root, 'dist', 'services', 'testing', 'anomalies', 'main.js'), ...rest], { cwd });
  if (what === 'evals') return run(process.execPath, [join(root, 'dist', 'evals', 'run.js'), ...rest], { cwd });
  return run(process.execPath, [join(root, 'bin', 'blackboard.mjs'), what, ...rest], { cwd });
}

/** Runs in the project's folder; resolves with the exit code and what was said on stderr. */
function capture(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => { said += chunk; });
    child.on('error', (error) => resolve({ code: 127, said: `${command} cannot be started: ${error.message}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, said }));
  });
}

/** Resolves with the exit code; 128 and the signal's number where a signal ended it. */
function run(command, args, { cwd }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: 'inherit' });
    // A terminal sends Ctrl-C to the child as well; others send only us what they mean for it.
    const forward = (signal) => void child.kill(signal);
    const wait = () => undefined;
    process.on('SIGTERM', forward);
    process.on('SIGINT', wait);
    child.on('error', (error) => {
      process.stderr.write(`${command} cannot be started: ${error.message}\n`);
      resolve(127);
    });
    child.on('exit', (code, signal) => {
      process.off('SIGTERM', forward);
      process.off('SIGINT', wait);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

/** When the newest source was changed, in ms; folders count, so that a file that was removed is noticed. */
function newestSourceMs() {
  const walk = (path) => {
    const entries = existsSync(path) ? readdirSync(path, { withFileTypes: true }).filter(({ name }) => name !== 'node_modules') : [];
    const below = entries.map((entry) => (entry.isDirectory() ? walk(join(path, entry.name)) : /\.(ts|json)$/.test(entry.name) ? modifiedMs(join(path, entry.name)) : 0));
    return Math.max(modifiedMs(path), ...below);
  };
  return Math.max(...['tsconfig.json', 'package-lock.json'].map((name) => modifiedMs(join(root, name))), ...sources.map((name) => walk(join(root, name))));
}

function modifiedMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function say(text) {
  process.stderr.write(`${text} …\n`);
}

function fail(text) {
  process.stderr.write(`blackboard: ${text}\n`);
  process.exit(1);
}
