// node scripts/test.mjs [unit|int|e2e …] [part of a path …]
// Lint, then all compiled tests in tiers, on one shared set of servers where this machine can have them. The last line
// is the sum over all tiers and names what was skipped for want of a server; REQUIRE_KAFKA=1 makes that a failure.
// A part of the tests (a tier or a path) runs without lint; named paths start the servers that they need themselves.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const build = join(root, process.env.BLACKBOARD_BUILD_DIR ?? 'dist');
const tiers = ['unit', 'int', 'e2e'];
/** Longest that one test may take. */
const timeoutMs = { unit: 420_000, int: 300_000, e2e: 900_000 };
/** Servers are fetched the first time. */
const stackPatienceMs = 600_000;

const args = process.argv.slice(2);
const named = tiers.filter((tier) => args.includes(tier));
const filters = args.filter((arg) => !tiers.includes(arg)).map((arg) => arg.replace(/^\.\//, '').replace(/\.ts$/, ''));
const isRequired = process.env.REQUIRE_KAFKA === '1';

process.exitCode = await main();

async function main() {
  if (args.length === 0 && !(await lint())) return summary([], 'lint failed: nothing else was run');
  const chosen = (named.length > 0 ? named : tiers).map((tier) => ({ tier, files: filesOf(tier) })).filter(({ files }) => files.length > 0);
  if (chosen.length === 0) return summary([], `no compiled test fits ${args.join(' ')}`);
  const needsServers = filters.length === 0 && chosen.some(({ tier }) => tier !== 'unit');
  const servers = needsServers ? await startServers() : { env: {}, missing: '', stop: async () => undefined };
  if (isRequired && servers.missing !== '') return summary([], `REQUIRE_KAFKA=1, and ${servers.missing}`);
  const results = [];
  try {
    for (const { tier, files } of chosen) results.push(await runTier(tier, files, servers.env));
  } finally {
    await servers.stop();
  }
  return summary(results, '', servers.missing);
}

async function lint() {
  process.stdout.write('lint\n');
  return (await run(['node_modules/eslint/bin/eslint.js', '.', '--max-warnings=0'], {})) === 0;
}

/** Compiled tests of a tier whose source is still there. */
function filesOf(tier) {
  const walk = (folder) => readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]));
  return (existsSync(build) ? walk(build) : [])
    .filter((file) => file.endsWith(`.${tier}.test.js`))
    .filter((file) => existsSync(join(root, `${relative(build, file).slice(0, -3)}.ts`)))
    .filter((file) => filters.length === 0 || filters.some((filter) => relative(build, file).includes(filter)))
    .sort();
}

async function runTier(tier, files, env) {
  process.stdout.write(`\n${tier}: ${files.length} files\n`);
  const folder = mkdtempSync(join(tmpdir(), 'blackboard-test-'));
  const tap = join(folder, 'results.tap');
  const startedAtMs = Date.now();
  // Two cores are what a small machine has; whole systems run alone.
  const concurrency = tier === 'e2e' ? 1 : Math.min(2, availableParallelism());
  const code = await run(['--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeoutMs[tier]}`,
    '--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap', `--test-reporter-destination=${tap}`, ...files], env);
  const text = existsSync(tap) ? readFileSync(tap, 'utf8') : '';
  rmSync(folder, { recursive: true, force: true });
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  const result = { tier, code, passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') + count('todo'), seconds: (Date.now() - startedAtMs) / 1000, skips: skipsOf(text) };
  // A run that died before it could count is a failure all the same.
  if (code !== 0 && result.failed === 0) result.failed = 1;
  return result;
}

/** Names of what was skipped, outermost first, with the reason. */
function skipsOf(tap) {
  return [...tap.matchAll(/^ *ok \d+ - (.*?) # SKIP ?(.*)$/gm)].map(([, name, reason]) => ({ name: name.trim(), reason: reason.trim() }));
}

async function startServers() {
  const { localNeeds } = await import(pathToFileURL(join(build, 'infra/local/needs.js')).href);
  const needs = await localNeeds();
  const hasJava = needs.java.ok && needs.maven.ok;
  const isGiven = (name) => (process.env[name] ?? '') !== '';
  const missing = [
    ...(hasJava || (isGiven('KAFKA_BROKERS') && isGiven('SCHEMA_REGISTRY_URL')) ? [] : [needs.java, needs.maven].filter((need) => !need.ok).map((need) => need.hint)),
    ...(needs.postgres.ok ? [] : [needs.postgres.hint]),
  ].join('; ');
  const parts = [...(hasJava && !isGiven('KAFKA_BROKERS') ? ['kafka'] : []), ...(hasJava && !isGiven('SCHEMA_REGISTRY_URL') ? ['registry'] : []), ...(needs.postgres.ok ? ['postgres'] : [])];
  if (parts.length === 0 || isGiven('BLACKBOARD_TEST_STACK')) return { env: {}, missing, stop: async () => undefined };
  process.stdout.write(`\nstarting ${parts.join(', ')} (the first time, this fetches them)\n`);
  return { missing, ...(await startStack(parts)) };
}

function startStack(parts) {
  return new Promise((resolve, reject) => {
    // It stops by itself when our end of its stdin closes, however we end.
    const child = spawn(process.execPath, [join(build, 'infra/local/stack-main.js'), ...parts], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolveEnd) => child.once('exit', resolveEnd));
    const timer = setTimeout(() => { child.kill(); reject(new Error('the servers for the tests did not start in time')); }, stackPatienceMs);
    const lines = createInterface({ input: child.stdout });
    lines.once('line', (line) => {
      clearTimeout(timer);
      resolve({ env: { BLACKBOARD_TEST_STACK: line }, stop: async () => { child.stdin.end(); await ended; } });
    });
    child.once('exit', (code) => { clearTimeout(timer); reject(new Error(`the servers for the tests did not start (exit ${code})`)); });
  });
}

function run(nodeArgs, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, nodeArgs, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** Prints the end of the run; its last line is the sum. Returns the exit code. */
function summary(results, problem, missing = '') {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  process.stdout.write('\n');
  for (const { tier, passed, failed, skipped, seconds } of results) process.stdout.write(`${tier.padEnd(5)} ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds.toFixed(1)} s\n`);
  if (problem !== '') process.stdout.write(`${problem}\n`);
  const skips = results.flatMap((result) => result.skips);
  const names = skips.length === 0 ? '' : ` (skipped: ${[...new Set(skips.map(({ name }) => name))].join(', ')}${missing === '' ? '' : `; to run them, ${missing}`})`;
  const failed = sum('failed') + (problem === '' ? 0 : 1);
  process.stdout.write(`${sum('passed')} passed, ${failed} failed, ${sum('skipped')} skipped${names}\n`);
  return failed > 0 || (isRequired && skips.some(({ reason }) => /kafka|java|maven|missing/i.test(reason))) ? 1 : 0;
}
