import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { BlackboardError } from '../../runtime/errors.js';
import { projectRoot } from '../../runtime/project-root.js';
import { runMany } from './run-many.js';
import { runSeed, type SeedReport } from './run-seed.js';
import { loadUserScenario } from './user-scenario.js';

const folder = mkdtempSync(join(tmpdir(), 'simulate-'));
// The files find zod as a user's would.
symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'dir');
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

function file(text: string): string {
  files += 1;
  const path = join(folder, `workflow-${files}.mjs`);
  writeFileSync(path, text);
  return path;
}

const start = `
import { z } from 'zod';
export const contracts = [{ name: 'word@1', evidenceRequired: false, avro: { type: 'record', name: 'Word', fields: [{ name: 'word', type: 'string' }] }, rules: z.strictObject({ word: z.string().min(1) }) }];
export const workflow = { name: 'words', deadlineMs: 60000, result: 'say', steps: [{ id: 'say', agent: 'speaker', contract: 'word@1', deadlineMs: 6000, jobParams: ['about'] }] };
const speaker = (word) => ({ name: 'speaker', version: '1', promptHash: '', owns: 'silence', run: async (context) => ({ outcome: 'proposed', artifacts: [{ type: 'word', body: context.write(contracts[0], { word: await word(context) }), evidence: [], confidence: 1, freshAtMs: context.request.requestedAtMs }] }) });
`;

async function problems(text: string): Promise<readonly string[]> {
  const error = await loadUserScenario(file(text)).then(() => assert.fail('it was loaded'), (thrown: unknown) => thrown as BlackboardError);
  assert.ok(error instanceof BlackboardError && error.code === 'WORKFLOW_FILE_INVALID', String(error));
  return error.details['problems'] as readonly string[];
}

async function run(text: string, seeds: readonly number[] = [4, 5]): Promise<readonly SeedReport[]> {
  const scenario = await loadUserScenario(file(text));
  const reports: SeedReport[] = [];
  for (const seed of seeds) reports.push(await runSeed(seed, scenario, true));
  return reports;
}

describe('a workflow file that is broken', () => {
  const cases: readonly (readonly [what: string, text: string, expected: RegExp])[] = [
    ['has no workflow', 'export const steps = [];', /exports no workflow: export const workflow/],
    ['cannot be parsed', 'export const workflow = {', /it cannot be loaded: /],
    ['has an invalid step', start.replace('deadlineMs: 6000,', 'deadlineMs: -1,'), /^workflow words: steps\.0\.deadlineMs: /],
    ['names a contract that nobody defines', start.replace("contract: 'word@1'", "contract: 'word@2'"), /step say must keep word@2, which no file defines/],
    ['has a contract without rules', start.replace('rules: z.strictObject({ word: z.string().min(1) })', 'rules: null'), /^contracts\.0 \(word@1\): rules: a zod schema/],
    ['has a contract whose Avro is none', start.replace("type: 'string'", "type: 'strong'"), /^contracts\.0 \(word@1\): avro: /],
    ['lacks an agent', `${start} export const agents = [];`, /no agent is called speaker, which step say asks/],
    ['has an agent that is none', `${start} export const agents = [{ name: 'speaker' }];`, /^agents\.0: run is missing/],
    ['has an agent that nobody asks', `${start} export const agents = [speaker(() => 'a'), { ...speaker(() => 'a'), name: 'spaeker' }];`, /no step asks the agent spaeker/],
    ['has a job without a required parameter', `${start} export const jobs = [{ params: {} }];`, /^jobs\.0: the workflow words must have the parameter about/],
    ['has rules that no drawn value keeps', start.replace('z.string().min(1)', "z.string().regex(/^#[0-9]{9}$/)"), /a stub needs a value of word@1/],
  ];
  for (const [what, text, expected] of cases) {
    it(`is refused when it ${what}, in words that say what to do`, async () => {
      const told = await problems(text);
      assert.ok(told.some((problem) => expected.test(problem)), told.join('\n'));
    });
  }
});

describe('a workflow file under seeded faults', () => {
  it('is played with stubs where it brings no agents, and every invariant holds', async () => {
    const reports = await run(start);
    assert.deepEqual(reports.flatMap(({ violations }) => violations), []);
    for (const { reached } of reports) assert.ok((reached['words: completed'] ?? 0) > 0);
  });

  it('gives agents a clock, dice and timers that repeat', async () => {
    const reports = await run(`${start} export const agents = [speaker(async () => { await new Promise((resolve) => setTimeout(resolve, 50)); return [Date.now(), new Date().getTime(), Math.random(), performance.now()].join(' '); })];`);
    assert.deepEqual(reports.flatMap(({ violations }) => violations), []);
    assert.ok((reports[0]?.reached['words: completed'] ?? 0) > 0);
  });

  it('tells an agent that is not deterministic, with the first record that differs', async () => {
    const [report] = await run(`import { randomUUID } from 'node:crypto'; ${start} export const agents = [speaker(() => randomUUID())];`, [4]);
    assert.deepEqual(report?.violations.map(({ invariant }) => invariant), ['deterministic']);
    assert.match(report?.violations[0]?.records[0] ?? '', /^first: {2}bb\.quarantine\/\d+\/\d+ ArtifactsProposed .* agent speaker/);
  });

  it('tells an agent that reaches for the network, or lets a promise or a timer throw', async () => {
    const reports: SeedReport[] = [];
    const path = file(`${start} export const agents = [speaker(async () => { setTimeout(() => { throw new Error('late'); }, 5); void Promise.reject(new Error('lost')); await fetch('https://example.com/x').catch(() => undefined); return 'a'; })];`);
    await runMany({ seeds: [4, 8], workers: 2, file: path, onReport: (report) => { reports.push(report); } });
    const told = reports[0]?.violations.map(({ invariant, what }) => `${invariant}: ${what}`).join('\n') ?? '';
    for (const expected of [/^outside: an agent called fetch\(https:\/\/example\.com\)/m, /^outside: a timer of an agent threw.*late/m, /^outside: a promise of an agent was rejected.*lost/m]) assert.match(told, expected);
  });

  it('asks every expectation of every finished job, and tells which one is broken with the timeline of the job', async () => {
    const [report] = await run(`${start} export const expectations = {
      'holds': (job) => job.outcome !== 'completed' || (job.result.value.word.length > 0 && job.params.about === 'a about' && job.steps[0].state === 'completed' && job.modelCalls === 0),
      'is broken': (job) => job.outcome !== 'completed' || 'it is',
      'throws': () => { throw new Error('on purpose'); },
    };`, [4]);
    const told = report?.violations ?? [];
    assert.deepEqual([...new Set(told.map(({ what }) => what.split(';')[0]))].sort(), ['"is broken": it is', '"throws": it threw: on purpose']);
    assert.match(told[0]?.records[0] ?? '', /^\+0\.000 s {2}JobAccepted/);
    assert.match(told[0]?.records.at(-1) ?? '', /JobEnded/);
  });

  it('answers for a model where the file stands in for one, and counts its calls by job', async () => {
    const [report] = await run(`${start}
      export const model = (request, random) => ({ word: request.user + random() });
      export const agents = [speaker(async ({ model }) => (await model.ask({ system: 's', user: 'u', name: 'word', shape: z.object({ word: z.string() }) })).value.word)];
      export const expectations = { 'asks once an attempt': (job) => job.outcome !== 'completed' || (job.modelCalls > 0 && job.modelCalls <= job.steps[0].attempts && job.result.value.word.startsWith('u0.')) };`, [4]);
    assert.deepEqual(report?.violations, []);
    assert.ok((report?.reached['words: completed'] ?? 0) > 0);
  });
});
