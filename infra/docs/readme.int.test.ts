// What the README tells people to type is typed here, on the embedded default: its marked blocks run in a shell where
// they stand, against a blackboard that was started as it says.

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildProgram } from '../../services/cli/program.js';
import { processTerminal } from '../../services/cli/terminal.js';
import { openPgliteDatabase } from '../../services/runtime/postgres/pglite-database.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { fencedBlocks } from './markdown.js';

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
const blocks = fencedBlocks(readme);
const hasCurl = spawnSync('curl', ['--version']).status === 0;
const build = fileURLToPath(new URL('../..', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'blackboard-readme-'));
const data = join(folder, 'data');
after(() => rmSync(folder, { recursive: true, force: true }));

const command = join(projectRoot, 'bin/blackboard.mjs');
program('blackboard', `exec "${process.execPath}" "${command}" "$@"`);
// `npm run demo -- …` without what it does first (install, build), which the test run has done.
program('npm', `[ "$1 $2" = "run demo" ] || exit 97; shift 2; [ "\${1:-}" = -- ] && shift; exec blackboard demo "$@"`);

describe('the README', () => {
  it('names commands that the command line has, as do the other documents', () => {
    const known = buildProgram({ terminal: processTerminal({}), env: {}, stopped: new AbortController().signal, readStdin: () => Promise.resolve(Buffer.alloc(0)), finish: () => undefined })
      .commands.flatMap((one) => [one.name(), ...one.commands.map((sub) => `${one.name()} ${sub.name()}`)]);
    const documents = [...readdirSync(projectRoot).filter((name) => name.endsWith('.md')), ...readdirSync(join(projectRoot, 'docs')).map((name) => `docs/${name}`)];
    for (const document of documents) {
      for (const [, name = '', sub] of readFileSync(join(projectRoot, document), 'utf8').matchAll(/(?:`|^|npx )blackboard ([a-z][a-z-]*)(?: ((?:list|show|redrive|apply|check|draw)\b))?/gm)) {
        if (name === 'demo' || document === 'README.md' && name === 'runtime') continue;
        assert.ok(known.includes(name), `${document}: blackboard ${name}`);
        if (sub !== undefined) assert.ok(known.includes(`${name} ${sub}`), `${document}: blackboard ${name} ${sub}`);
      }
    }
    assert.ok(known.includes('demo'));
  });

  for (const block of blocks.filter(({ language, marks }) => language === 'sh' && marks === 'readme')) {
    it(`${block.heading}: ${block.text}`, { timeout: 180_000 }, async () => {
      const { status, out } = await shell(block.text);
      assert.equal(status, 0, out);
      assert.match(out, /✔ completed in/);
      assert.match(out, block.text.includes('liar') ? /QUARANTINE {2}1\d/ : /The `redact` option/);
    });
  }
});

describe('a blackboard that was started as the README says', { skip: hasCurl ? false : 'curl is missing (Debian: apt-get install curl)', timeout: 120_000 }, () => {
  let up: ChildProcess;
  let url = '';
  let job = '';

  before(async () => {
    assert.match(readme, /^blackboard up --docs node_modules /m);
    up = spawn(process.execPath, [command, 'up', '--docs', 'node_modules', '--data', data, '--port', '0', '--json'], { cwd: projectRoot, env: environment(), stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = createInterface({ input: up.stdout ?? assert.fail('no stdout') });
    const [line] = await once(lines, 'line') as [string];
    url = (JSON.parse(line) as { ingressUrl: string }).ingressUrl;
  });
  after(() => { if (up.exitCode === null) up.kill('SIGKILL'); });

  it('takes a submission by curl, and the same again as the same job', async () => {
    const answers = [await typed('submit'), await typed('submit')].map(({ status, out }) => {
      assert.equal(status, 0, out);
      return JSON.parse(out) as { job: string; partition: number; offset: number; statusUrl: string };
    });
    assert.deepEqual(Object.keys(answers[0] ?? {}).sort(), ['job', 'offset', 'partition', 'statusUrl']);
    job = answers[0]?.job ?? '';
    assert.match(job, /^[0-9a-f]{32}$/);
    assert.equal(answers[1]?.job, job);
  });

  it('gives the result and the events by curl', async () => {
    const { status, out } = await typed('result');
    assert.equal(status, 0, out);
    assert.match(out, /The `redact` option/);
    assert.match(out, /^event: |^data: /m);
  });

  it('shows the job on the command line', async () => {
    const { status, out } = await typed('commands');
    assert.equal(status, 0, out);
    for (const said of ['completed', 'The `redact` option', 'VERIFIED', 'JobAccepted']) assert.ok(out.replaceAll(/\s+/g, ' ').includes(said), `nothing says "${said}":\n${out}`);
  });

  it('replays the job without a divergence', async () => {
    const { status, out } = await typed('replay');
    assert.equal(status, 0, out);
  });

  it('stops when asked, and leaves rows that the queries find', async () => {
    up.kill('SIGTERM');
    const [code] = await once(up, 'exit') as [number | null];
    assert.equal(code, 0);
    const db = await openPgliteDatabase(join(data, 'postgres'));
    try {
      const counts: number[] = [];
      for (const { text } of blocks.filter(({ language }) => language === 'sql')) counts.push((await db.query(text.replaceAll(":'job'", `'${job}'`))).length);
      assert.ok((counts[0] ?? 0) > 10, `the story of the job has ${counts[0]} rows`);
    } finally {
      await db.close();
    }
  });

  function typed(name: string): ReturnType<typeof shell> {
    const block = blocks.find(({ marks }) => marks === `readme=${name}`) ?? assert.fail(`the README has no block ${name}`);
    return shell(block.text.replaceAll('http://127.0.0.1:7117', url).replaceAll('blackboard replay', `blackboard replay --data "${data}"`), { BLACKBOARD_URL: url, JOB: job });
  }
});

async function shell(text: string, more: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number | null; readonly out: string }> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', text], { cwd: projectRoot, env: { ...environment(), ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { if (!text.startsWith('curl')) out += chunk.toString(); });
  const [status] = await once(child, 'close') as [number | null];
  return { status, out };
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, HOME: folder, NO_COLOR: '1', COLUMNS: '110', BLACKBOARD_BUILD_DIR: build, LANG: 'C.UTF-8' };
}

function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}
