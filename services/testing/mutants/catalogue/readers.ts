// R7 and what readers of verified make of it: positions, agents, rows.

import type { Mutant } from '../mutant.js';

const facts = 'runtime/log/verified-facts.js';
const reader = 'runtime/log/verified-reader.js';
const pool = 'agents/sdk/agent-pool.js';
const project = 'projector/project.js';

const position = 'epoch: this.#epochAt(offset), digest';
const tracked = 'tracked: life.watermark.track(offset, batch.positionAt(offset)),';

export const readers: readonly Mutant[] = [
  { id: 'epoch-of-the-head-stored', breaks: 'R7', caughtBy: 'R7', edits: [[facts, position, 'epoch: this.#epochAt(this.next + 1), digest']] },
  { id: 'position-epoch-forgotten', breaks: 'R7', caughtBy: 'R7', edits: [[facts, position, 'epoch: -1, digest']] },
  { id: 'reader-does-not-go-back-to-its-epoch', breaks: 'R7', caughtBy: 'R7', edits: [['runtime/log/find-start.js', 'Math.min(marker, deliverFrom)', 'deliverFrom']] },
  { id: 'digest-of-the-next-record', breaks: 'R7', caughtBy: 'R7', edits: [[facts, 'const last = this.records[offset - 1 - this.before.offset];', 'const last = this.records[Math.min(offset - this.before.offset, this.records.length - 1)];']] },
  { id: 'reader-resumes-one-too-far', breaks: 'R7', caughtBy: 'halt', edits: [[reader, "state.expectedDigest === '' ? state.position.offset : state.position.offset - 1", 'state.position.offset']] },
  { id: 'agents-commit-past-open-requests', breaks: 'R7', caughtBy: 'I15', edits: [[pool, 'life.watermark.oldestOpen?.value ?? life.end', 'life.end']] },
  { id: 'agents-watermark-off-by-one', breaks: 'R7', caughtBy: 'I15', edits: [[pool, tracked, 'tracked: life.watermark.track(offset, batch.positionAt(offset + 1)),']] },
  { id: 'watermark-waits-for-the-newest', breaks: 'R7', caughtBy: 'I15', edits: [['runtime/log/commit-watermark.js', 'return this.#queue[this.#head] ?? null;', 'return this.#queue[this.#queue.length - 1]?.done === false ? this.#queue[this.#queue.length - 1] : null;']] },
  { id: 'agents-settle-at-receipt', breaks: 'R7', caughtBy: 'I15', edits: [[pool, 'this.#book.add(attempt);', 'this.#book.add(attempt); life.watermark.done(attempt.tracked);']] },
  { id: 'agents-settle-what-shutdown-cut', breaks: 'R7', caughtBy: { test: 'agents/sdk/run-agents.unit.test.js', title: 'drains within its bound' }, edits: [[pool, "if (attempt.abortedFor !== 'shutdown')", 'if (true)']] },
  { id: 'agents-end-at-an-unknown-append', breaks: 'R7', caughtBy: 'halt', edits: [['agents/sdk/post-claim.js', "new Set(['APPEND_UNKNOWN', ", 'new Set([']] },
  { id: 'stale-rows-not-marked', breaks: 'rows', caughtBy: 'I12', edits: [[project, 'const audit = auditRow(fact, at, stale);', 'const audit = auditRow(fact, at, false);']] },
  { id: 'stale-facts-change-rows', breaks: 'rows', caughtBy: 'I12', edits: [[project, '    if (stale)\n', '    if (false)\n']] },
  { id: 'projector-watermark-off-by-one', breaks: 'rows', caughtBy: { test: 'projector/projector.int.test.js', title: 'goes on from the watermarks after a restart' }, edits: [['projector/watermarks.js', 'list((advance) => advance.to.offset)', 'list((advance) => advance.to.offset - 1)']] },
  { id: 'watermark-moved-without-compare', breaks: 'rows', caughtBy: { test: 'projector/projector.int.test.js', title: 'writes nothing of a batch whose watermark has moved' }, edits: [['projector/watermarks.js', ' AND w.next_offset = wanted.start', '']] },
  { id: 'model-asked-again', breaks: 'gateway', caughtBy: { test: 'gateway/asks.int.test.js', title: 'a question whose connection broke is asked once' }, edits: [['gateway/asks.js', 'if (this.#answer === null) {', 'if (this.#answer !== undefined) {']] },
  { id: 'capability-of-another-principal', breaks: 'gateway', caughtBy: { test: 'gateway/capabilities.unit.test.js', title: 'refuses another principal' }, edits: [['gateway/authorize.js', "return refuse('foreign-principal');", ';']] },
  { id: 'capability-outlives-its-attempt', breaks: 'gateway', caughtBy: { test: 'gateway/capabilities.unit.test.js', title: 'a failed attempt, a completed step and the end' }, edits: [['gateway/capabilities.js', 'return close(board, fact, fact.attempt);', 'return;']] },
  { id: 'capability-expires-by-the-clock', breaks: 'gateway', caughtBy: { test: 'gateway/capabilities.unit.test.js', title: 'a capability expires in the time of its partition' }, edits: [['gateway/authorize.js', 'partitionTimeMs(board, grant.partition) >=', 'nowMs >=']] },
];
