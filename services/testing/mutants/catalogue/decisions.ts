// R1, R2, R11: one decision per claim, whole, in order, whatever a verb does.

import type { Mutant } from '../mutant.js';

const owner = 'orchestrator/partition-owner.js';
const queue = 'orchestrator/decision-queue.js';
const decideRecord = 'orchestrator/decide-record.js';

const send = "(await this.#append(batch.records, take, 'orchestrator.append-decision'))";
const begin = 'this.#queue.begin(state.cursor + 1);';
const deadLetters = 'await appendDeadLetters(batch.deadLetters, this.topics.deadLetter, this.effects);';

/** A verb that throws at submissions with a deadline of their own, after it has begun. */
const throwing = ['orchestrator/decide.js', "case 'submission': return acceptJob(turn, claim, admitted);", "case 'submission': { acceptJob(turn, claim, admitted); if (claim.deadlineMs > 0) throw new Error('planted'); return; }"] as const;

export const decisions: readonly Mutant[] = [
  { id: 'decision-in-two-sends', breaks: 'R1', caughtBy: 'R1', edits: [[owner, send, "(batch.records.length > 1 && (await this.#append(batch.records.slice(0, 1), take, 'orchestrator.append-decision')) === null ? null : await this.#append(batch.records.length > 1 ? batch.records.slice(1) : batch.records, take, 'orchestrator.append-decision'))"]] },
  { id: 'decision-in-two-sends-at-its-end', breaks: 'R1', caughtBy: 'R1', edits: [[owner, send, "(batch.records.length > 3 && (await this.#append(batch.records.slice(0, -1), take, 'orchestrator.append-decision')) === null ? null : await this.#append(batch.records.length > 3 ? batch.records.slice(-1) : batch.records, take, 'orchestrator.append-decision'))"]] },
  { id: 'decision-too-large-is-sent', breaks: 'R1', caughtBy: { test: 'orchestrator/orchestrator.unit.test.js', title: 'refuses a decision that would not fit one batch' }, edits: [['orchestrator/draft.js', 'return this.encoded().length <= batchRecordsMax && this.#bytes <= batchBytesMax;', 'return true;']] },
  { id: 'resume-from-committed-offset', breaks: 'R2', caughtBy: 'I7', edits: [[owner, begin, 'const committed = (await member.committed(this.topics.quarantine, [this.partition])).get(this.partition); this.#queue.begin(committed === undefined ? state.cursor + 1 : committed.offset);']] },
  { id: 'cursor-off-by-one', breaks: 'R2', caughtBy: 'I7', edits: [[owner, begin, 'this.#queue.begin(Math.max(0, state.cursor));']] },
  { id: 'gap-judged-over', breaks: 'R2', caughtBy: 'I7', edits: [[queue, 'if (record.offset > this.#wanted) {', 'if (record.offset > this.#wanted) this.#wanted = record.offset; if (false) {']] },
  { id: 'delivered-twice-judged-twice', breaks: 'R2', caughtBy: 'I6', edits: [[queue, 'if (record.offset < this.#wanted)', 'if (false)'], [queue, 'if (record.offset > this.#wanted) {', 'if (false) {'], [queue, 'this.#wanted += 1;', 'this.#wanted = record.offset + 1;']] },
  { id: 'dead-letter-left-out', breaks: 'R2', caughtBy: 'R2', edits: [[owner, 'if (batch.deadLetters.length > 0)', 'if (batch.deadLetters.length > 1)']] },
  { id: 'dead-letter-not-awaited', breaks: 'R2', caughtBy: 'R2', edits: [[owner, deadLetters, deadLetters.replace('await ', 'void ').replace(';', '.catch(() => undefined);')]] },
  { id: 'undecodable-refused', breaks: 'R2', caughtBy: 'I14', edits: [[decideRecord, "{ type: 'ClaimDeadLettered', reason: content.reason }", "{ type: 'ClaimRefused', claimType: '', reason: 'malformed-claim', closesAttempt: false, detail: '' }"]] },
  { id: 'undecodable-skipped', breaks: 'R2', caughtBy: 'I7', edits: [[queue, "const one = this.#decideOne(", "if (!decoded.ok) { this.#next(); continue; } const one = this.#decideOne("]] },
  { id: 'throwing-verb-stops-the-partition', breaks: 'R11', caughtBy: 'live', edits: [throwing, [decideRecord, '// R11: a verb that throws parks this claim, and the partition goes on.', 'throw error;']] },
  { id: 'parked-claim-leaves-its-facts', breaks: 'R11', caughtBy: 'I14', edits: [throwing, [decideRecord, 'draft.rollback(mark);\n        onThrow(error, claim);', 'onThrow(error, claim);']] },
  { id: 'parked-claim-leaves-its-state', breaks: 'R11', caughtBy: 'I1', edits: [throwing, ['orchestrator/turn.js', 'put(state.jobs, id, job);', '']] },
  { id: 'refused-claim-parked', breaks: 'R11', caughtBy: 'R11', edits: [[decideRecord, 'refuse(turn, claim, judgement,', "if (judgement.refused === 'duplicate-submission') throw new Error('planted'); else refuse(turn, claim, judgement,"]] },
  { id: 'halted-partition-takes-the-others-along', breaks: 'R11', caughtBy: 'live', edits: [throwing, [decideRecord, '// R11: a verb that throws parks this claim, and the partition goes on.', 'throw error;'], ['orchestrator/start-orchestrator.js', 'options.logger.fatal(', 'for (const owner of owners.values()) owner.leave(); options.logger.fatal(']] },
];
