// Planted bugs: each is one change of the compiled runtime, made while it is loaded, that some invariant must catch.
// What is found by more than one checker names the one that it was planted for.

export interface Mutant {
  readonly id: string;
  /** The rule of the design that it breaks. */
  readonly breaks: string;
  /** Under `services/`, compiled. */
  readonly file: string;
  /** Compiled text that occurs once, and what stands there instead. */
  readonly edits: readonly (readonly [find: string, replace: string])[];
}

const owner = 'orchestrator/partition-owner.js';
const queue = 'orchestrator/decision-queue.js';
const judge = 'orchestrator/judge.js';
const conduct = 'orchestrator/conduct.js';

const steppingDown = 'if (again) {\n            void this.#takeUntilOwned(true);';

export const mutants: readonly Mutant[] = [
  { id: 'decision-in-two-sends', breaks: 'R1', file: owner, edits: [["(await this.#append(batch.records, take, 'orchestrator.append-decision'))", "(batch.records.length > 1 && (await this.#append(batch.records.slice(0, 1), take, 'a')) === null ? null : await this.#append(batch.records.length > 1 ? batch.records.slice(1) : batch.records, take, 'b'))"]] },
  { id: 'decision-in-two-sends-at-its-end', breaks: 'R1', file: owner, edits: [["(await this.#append(batch.records, take, 'orchestrator.append-decision'))", "(batch.records.length > 3 && (await this.#append(batch.records.slice(0, -1), take, 'a')) === null ? null : await this.#append(batch.records.length > 3 ? batch.records.slice(-1) : batch.records, take, 'b'))"]] },
  { id: 'resume-from-committed-offset', breaks: 'R2', file: owner, edits: [['this.#queue.begin(state.cursor + 1);', 'const committed = (await member.committed(this.topics.quarantine, [this.partition])).get(this.partition); this.#queue.begin(committed === undefined ? state.cursor + 1 : committed.offset);']] },
  { id: 'cursor-off-by-one', breaks: 'R2', file: owner, edits: [['this.#queue.begin(state.cursor + 1);', 'this.#queue.begin(Math.max(0, state.cursor));']] },
  { id: 'gap-judged-over', breaks: 'R2', file: queue, edits: [['if (record.offset > this.#wanted) {', 'if (record.offset > this.#wanted) this.#wanted = record.offset; if (false) {']] },
  { id: 'delivered-twice-judged-twice', breaks: 'R2', file: queue, edits: [['if (record.offset < this.#wanted)', 'if (false)'], ['if (record.offset > this.#wanted) {', 'if (false) {'], ['this.#wanted += 1;', 'this.#wanted = record.offset + 1;']] },
  { id: 'epoch-filter-off', breaks: 'R3', file: 'runtime/log/epoch-filter.js', edits: [['return epoch === this.#epoch && epoch !== noEpoch;', 'return true;']] },
  { id: 'epoch-filter-lets-older-through', breaks: 'R3', file: 'runtime/log/epoch-filter.js', edits: [['return epoch === this.#epoch && epoch !== noEpoch;', 'return epoch <= this.#epoch && epoch !== noEpoch;']] },
  { id: 'restore-without-filter', breaks: 'R3', file: 'orchestrator/restore.js', edits: [['if (filter.current.counts(record.offset, peeked.type, peeked.epoch))', 'if (filter.current.counts(record.offset, peeked.type, peeked.epoch) || true)']] },
  { id: 'restore-from-the-newest-open-job', breaks: 'R3', file: 'orchestrator/checkpoint.js', edits: [['if (job.acceptedOffset < oldest.acceptedOffset)', 'if (oldest.acceptedOffset === state.epoch || job.acceptedOffset > oldest.acceptedOffset)']] },
  { id: 'remembered-ids-not-restored', breaks: 'R9', file: 'orchestrator/checkpoint.js', edits: [['if (isRemembered(state, job) && job.acceptedOffset < oldest.acceptedOffset)', 'if (false)']] },
  { id: 'contiguity-check-off', breaks: 'R4', file: owner, edits: [['if (baseOffset === expected) {', 'if (baseOffset >= expected) {']] },
  { id: 'contiguity-check-follows-the-log', breaks: 'R4', file: owner, edits: [['if (baseOffset === expected) {', 'if (baseOffset >= expected) { this.#nextOffset = baseOffset + records.length; return baseOffset;']] },
  { id: 'state-kept-after-refused-send', breaks: 'R5', file: owner, edits: [[steppingDown, `if (code === 'APPEND_REFUSED' && this.#phase === 'owning') { this.#sending = false; this.#pump(); return; } ${steppingDown}`]] },
  { id: 'unknown-send-taken-for-written', breaks: 'R5', file: owner, edits: [[steppingDown, `if (code === 'APPEND_UNKNOWN' && this.#phase === 'owning') { this.#sending = false; this.#pump(); return; } ${steppingDown}`]] },
  { id: 'two-sends-at-once', breaks: 'R5', file: owner, edits: [['            this.#sending = true;\n            void this.#send(batch, take);', '            void this.#send(batch, take);']] },
  { id: 'epoch-of-the-head-stored', breaks: 'R7', file: 'runtime/log/verified-facts.js', edits: [['epoch: this.#epochAt(offset), digest', 'epoch: this.#epochAt(this.next + 1), digest']] },
  { id: 'position-epoch-forgotten', breaks: 'R7', file: 'runtime/log/verified-facts.js', edits: [['epoch: this.#epochAt(offset), digest', 'epoch: -1, digest']] },
  { id: 'reader-does-not-go-back-to-its-epoch', breaks: 'R7', file: 'runtime/log/find-start.js', edits: [['Math.min(marker, deliverFrom)', 'deliverFrom']] },
  { id: 'time-by-the-senders-clock', breaks: 'R8', file: 'orchestrator/decide-record.js', edits: [['state.timeMs = Math.max(state.timeMs, record.appendTimeMs);', 'state.timeMs = Math.max(state.timeMs, claim?.atMs ?? 0, record.appendTimeMs);']] },
  { id: 'time-falls-back', breaks: 'R8', file: 'orchestrator/decide-record.js', edits: [['state.timeMs = Math.max(state.timeMs, record.appendTimeMs);', 'state.timeMs = record.appendTimeMs;']] },
  { id: 'timers-after-the-claim', breaks: 'R8', file: 'orchestrator/decide-record.js', edits: [['fireTimers(turn, claim.job);', '{ }'], ['    fireOtherTimers(turn);\n    answer(', '    answer(']] },
  { id: 'timer-lost-on-restart', breaks: 'R8', file: 'orchestrator/tick-timer.js', edits: [['        this.#tickOutAtMs = -Infinity;\n        this.rearm();', '        this.#tickOutAtMs = -Infinity;']] },
  { id: 'job-deadline-never-bites', breaks: 'R8', file: conduct, edits: [['if (job.deadlineAtMs <= turn.state.timeMs)', 'if (false)']] },
  { id: 'instance-not-checked', breaks: 'R9', file: judge, edits: [['return claim.instance === job.instance ||', 'return true ||']] },
  { id: 'duplicate-submission-accepted', breaks: 'R9', file: judge, edits: [['if (known !== undefined)', 'if (known !== undefined && known !== ended)'], ]},
  { id: 'signature-not-checked', breaks: 'R12', file: judge, edits: [["return refuse('bad-signature');", ';']] },
  { id: 'role-not-checked', breaks: 'gate', file: judge, edits: [["return refuse('wrong-role');", ';']] },
  { id: 'route-not-checked', breaks: 'gate', file: judge, edits: [["return refuse('misrouted');", ';']] },
  { id: 'signer-not-the-one-asked', breaks: 'gate', file: judge, edits: [["return refuse('foreign-claim');", ';']] },
  { id: 'answers-to-closed-attempts-count', breaks: 'gate', file: judge, edits: [['claim.attempt !== step.attempt', 'claim.attempt > step.attempt']] },
  { id: 'request-not-checked', breaks: 'gate', file: judge, edits: [["return refuse('wrong-request');", ';']] },
  { id: 'receipts-not-checked', breaks: 'gate', file: judge, edits: [['if (!inspection.receiptsValid)', 'if (false)']] },
  { id: 'verdict-for-another-hash', breaks: 'gate', file: judge, edits: [['if (claim.verdicts.some((verdict) => !shown.has(verdict.hash)))', 'if (false)']] },
  { id: 'evidence-not-checked', breaks: 'gate', file: judge, edits: [['if (artifact.evidence.some((evidence) => !given.has(evidence.reference) && !receipts.has(evidence.reference)))', 'if (false)']] },
  { id: 'hash-not-checked', breaks: 'gate', file: judge, edits: [['if (check === undefined || !check.hashMatches)', 'if (check === undefined)']] },
  { id: 'rejected-artifact-verified', breaks: 'gate', file: 'orchestrator/decide.js', edits: [['if (verdict.accepted) {', 'if (true) {']] },
  { id: 'one-attempt-too-many', breaks: 'I18', file: conduct, edits: [['step.attempt < definition.attempts;', 'step.attempt <= definition.attempts;']] },
  { id: 'retry-before-its-time', breaks: 'I18', file: conduct, edits: [['if (retryAtMs <= turn.state.timeMs)', 'if (true)']] },
  { id: 'step-before-its-inputs', breaks: 'I3', file: conduct, edits: [['.every((other) => isSettled(job, other))', '.some((other) => isSettled(job, other)) || step.definition.after.length === 0']] },
  { id: 'inputs-of-rejected-steps', breaks: 'I3', file: conduct, edits: [['producerStep: artifact.step, refs', "producerStep: '', refs"]] },
  { id: 'job-ended-twice', breaks: 'I1', file: 'orchestrator/evolve.js', edits: [['    state.jobs.delete(job.job);\n    state.openJobsByTenant', '    state.openJobsByTenant']] },
  { id: 'stale-rows-not-marked', breaks: 'I12', file: 'projector/project.js', edits: [['const audit = auditRow(fact, at, stale);', 'const audit = auditRow(fact, at, false);']] },
  { id: 'stale-facts-change-rows', breaks: 'I12', file: 'projector/project.js', edits: [['    if (stale)\n', '    if (false)\n']] },
];
