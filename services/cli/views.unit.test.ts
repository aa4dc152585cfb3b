import assert from 'node:assert/strict';
import { test } from 'node:test';
import picocolors from 'picocolors';
import type { AuditEvent } from './audit-event.js';
import { auditText } from './audit-view.js';
import { boardText } from './board-view.js';
import { heading } from './demo-story.js';
import { hexLines } from './hex-view.js';
import type { Artifact } from './job-views.js';
import { markdownLines } from './markdown-view.js';
import { fitColumns, table } from './table.js';
import { clampColumns, foreign, jsonLine, mayColour } from './terminal.js';
import { displayWidth } from './text-layout.js';
import { addEvent, emptyTimeline } from './timeline.js';
import { endLine, eventLine, timelineLines } from './timeline-view.js';

const plain = picocolors.createColors(false);
/** Moves the cursor, sets the title, turns the reading direction, hides. */
const hostile = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202egnp.exe\u200b\u2066';
const acts = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const event = (eventType: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  offset: 7, partition: 3, tsMs: 1_700_000_000_000, eventType, node: 'orchestrator', agent: '', agentVersion: '', step: '', attempt: null, model: '', rubricScore: null,
  latencyMs: null, costMicros: null, fallbackTaken: '', edgeLabel: '', reason: '', cause: 5, inputHash: '', outputHash: '', detail: {}, ...more,
});

const artifact = (more: Partial<Artifact> = {}): Artifact => ({
  namespace: 'verified', state: 'verified', step: 'research/1', attempt: 1, type: 'finding', contract: 'finding@1', hash: 'ab'.repeat(32), size: 10, producer: 'researcher',
  verifier: 'verifier', reason: null, confidence: 1, rubricScore: 1, ...more,
});

const story = [
  event('JobAccepted', { detail: { workflow: 'brief' } }),
  event('StepRequested', { step: 'research/1', attempt: 1, agent: 'researcher', tsMs: 1_700_000_000_100 }),
  event('VerificationRequested', { step: 'research/1', attempt: 1, agent: 'verifier', tsMs: 1_700_000_000_200 }),
  event('ArtifactVerified', { step: 'research/1', attempt: 1, agent: 'researcher', tsMs: 1_700_000_000_300 }),
  event('ArtifactRejected', { step: 'research/1', attempt: 1, agent: 'researcher', tsMs: 1_700_000_000_300, reason: 'quote-not-in-document', detail: { reasons: [{ code: 'quote-not-in-document' }] } }),
  event('StepCompleted', { step: 'research/1', attempt: 1, agent: 'researcher', tsMs: 1_700_000_000_300 }),
  event('JobEnded', { tsMs: 1_700_000_001_000, detail: { outcome: 'completed' } }),
];

test('draws a long table in time that grows with its rows, each on a line of its own', () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => [String(index), index % 2 === 0 ? 'even' : '']);
  const startedMs = performance.now();
  const lines = table([{ title: 'ROW', align: 'right' }, { title: 'KIND' }], rows, { columns: 80, colors: plain }).split('\n');
  assert.ok(performance.now() - startedMs < 30_000, 'minutes, where it grows with their square');
  assert.deepEqual([lines.length, lines[0], lines[1], lines[100], lines[20_000]], [20_002, '  ROW  KIND', '    0  even', '   99', '19999']);
  assert.deepEqual(fitColumns([{ title: 'A' }], Array.from({ length: 200_000 }, () => ['abc']), 80), [{ at: 0, width: 3 }]);
});

test('a timeline has one line per step, with its verdicts', () => {
  const timeline = story.reduce(addEvent, emptyTimeline);
  assert.equal(timeline.steps.length, 1);
  const [line = ''] = timelineLines(timeline, { columns: 120, colors: plain }, { nowMs: 0 });
  assert.match(line, /^✔ \+0\.10 .*research\/1 .*researcher .* 200 ms {2}1 verified, 1 refused: quote-not-in-document$/);
  assert.match(endLine(timeline, { columns: 120, colors: plain }), /completed in 1\.00 s · 1 verified · 1 refused · 7 facts/);
});

test('a step that failed and is asked again shows its attempt and why', () => {
  const failed = event('AttemptFailed', { step: 'write', attempt: 1, reason: 'deadline-passed', detail: { retryAtMs: 1_700_000_002_000 } });
  const waiting = [event('StepRequested', { step: 'write', attempt: 1, agent: 'writer' }), failed].reduce(addEvent, emptyTimeline);
  assert.match(timelineLines(waiting, { columns: 120, colors: plain }, { nowMs: 0 })[0] ?? '', /tried again soon: deadline-passed/);
  const again = addEvent(waiting, event('StepRequested', { step: 'write', attempt: 2, agent: 'writer' }));
  assert.match(timelineLines(again, { columns: 120, colors: plain }, { nowMs: 0 })[0] ?? '', /#2 .*again: deadline-passed/);
});

test('steps that are open when the job ends are shown as given up', () => {
  const timeline = [event('StepRequested', { step: 'write', attempt: 1 }), event('JobEnded', { detail: { outcome: 'cancelled' } })].reduce(addEvent, emptyTimeline);
  assert.equal(timeline.steps[0]?.state, 'abandoned');
});

for (const columns of [60, 80, 120]) {
  test(`every view keeps to ${columns} columns, whatever it is told`, () => {
    const long = 'x'.repeat(300);
    const timeline = [...story, event('StepRequested', { step: long, attempt: 3, agent: long }), event('AttemptFailed', { step: long, reason: long, detail: {} })].reduce(addEvent, emptyTimeline);
    const view = { columns, colors: plain };
    const texts = [
      ...timelineLines(timeline, view, { nowMs: 0 }), endLine(timeline, view),
      heading('BOARD', 'facts on the left; what did not pass the gate, on the right', view), heading('NEXT', '', view),
      boardText([artifact({ type: long, step: long, producer: long }), artifact({ namespace: 'quarantine', state: 'rejected', reason: long }), artifact({ namespace: 'quarantine', state: 'rejected', reason: '漢'.repeat(80) })], view),
      auditText([...story, event('ArtifactRejected', { step: long, node: long, reason: long, outputHash: long, latencyMs: 5, attempt: 1 })], view),
      markdownLines(`# ${long}\n\n- ${long} and more\n\n\`\`\`text\n${long}\n\`\`\`\n`, view).join('\n'), hexLines(Buffer.alloc(100, 200), columns).join('\n'),
    ];
    for (const line of texts.join('\n').split('\n')) assert.ok(displayWidth(line) <= columns, `${displayWidth(line)}: ${line}`);
  });
}

test('why something failed is not cut in an audit table while other columns can go', () => {
  const failed = event('AttemptFailed', { step: 'collect', attempt: 1, node: 'collector', reason: 'agent-failed', latencyMs: 9, detail: { reasons: [{ code: 'source-forbidden' }] } });
  for (const columns of [80, 100]) assert.match(auditText([...story, failed], { columns, colors: plain }), /agent-failed, source-forbidden/);
});

test('the names of facts are not cut in an audit table of 100 columns', () => {
  const node = event('VerificationRequested', { offset: 1234567, step: 'research/12', attempt: 1, node: 'orchestrator', edgeLabel: 'research/12 → verifier', latencyMs: 12_345, rubricScore: 1, outputHash: 'ab'.repeat(32) });
  assert.match(auditText([...story, node], { columns: 100, colors: plain }), /1234567 +VerificationRequested +research\/12#1 /);
});

test('text of others cannot act on the terminal, in any view', () => {
  const view = { columns: 120, colors: plain };
  const told = event(`Step${hostile}`, { step: hostile, agent: hostile, node: hostile, reason: hostile, edgeLabel: hostile, outputHash: hostile, detail: { reasons: [{ code: hostile }] } });
  const timeline = [event('StepRequested', { step: hostile, agent: hostile }), event('ArtifactRejected', { step: hostile, reason: hostile }), event('StepFailed', { step: hostile }), event('JobEnded', { reason: hostile, detail: { outcome: hostile } })].reduce(addEvent, emptyTimeline);
  const texts = [
    eventLine(told), auditText([told], view), ...timelineLines(timeline, view, { nowMs: 0 }), endLine(timeline, view),
    boardText([artifact({ type: hostile, step: hostile, hash: hostile, producer: hostile, verifier: hostile }), artifact({ namespace: 'quarantine', state: 'rejected', reason: hostile, producer: hostile })], view),
    markdownLines(`# ${hostile}\n${hostile}\n\`\`\`\n${hostile}\n\`\`\``, view).join('\n'), hexLines(Buffer.from(hostile), 120).join('\n'), foreign(hostile), jsonLine({ [hostile]: hostile }).trimEnd(),
  ];
  for (const text of texts) assert.doesNotMatch(text.replaceAll('\n', ''), acts);
});

test('machine output reads back as what it was', () => {
  const value = { text: `${hostile}\u{e0041}\u2028é漢` };
  assert.deepEqual(JSON.parse(jsonLine(value)), value);
});

test('colour is for terminals only, and NO_COLOR and TERM=dumb switch it off', () => {
  assert.equal(mayColour(true, {}), true);
  assert.equal(mayColour(false, {}), false);
  assert.equal(mayColour(true, { NO_COLOR: '1' }), false);
  assert.equal(mayColour(true, { NO_COLOR: '' }), true);
  assert.equal(mayColour(true, { TERM: 'dumb' }), false);
});

test('a width that is none, tiny or huge is made usable', () => {
  assert.deepEqual([clampColumns(Number.NaN), clampColumns(0), clampColumns(10), clampColumns(80), clampColumns(1000)], [100, 100, 40, 80, 160]);
});
