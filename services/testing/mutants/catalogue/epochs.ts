// R3 to R6: who may write, what was accepted, and how a partition is taken again.

import type { Mutant } from '../mutant.js';

const owner = 'orchestrator/partition-owner.js';
const checkpoint = 'orchestrator/checkpoint.js';
const filter = 'runtime/log/epoch-filter.js';
const sender = 'runtime/log/kafka/leader-sender.js';
const kafkaFaults = 'runtime/log/kafka/kafka-faults.int.test.js';
const verdicts = 'runtime/log/kafka/produce-verdict.unit.test.js';

const counts = 'return epoch === this.#epoch && epoch !== noEpoch;';
const contiguous = 'if (baseOffset === expected) {';
const steppingDown = 'if (again) {\n            void this.#takeUntilOwned(true);';
const pause = 'await effects.sleep(Math.min(backoffMsMax, 50 * 2 ** this.#fruitlessTakes) * (1 + effects.random()));';

/** Reads what lies between the expected offset and that of the acknowledgement, and finds only markers of its own. */
const ownMarkersOnly = 'let own = baseOffset > expected; if (own) for await (const found of this.effects.log.read({ topic: this.topics.verified, partition: this.partition, from: expected, until: baseOffset })) for (const one of found) { const fact = this.effects.codec.decodeFact(one.value); if (fact.type === \'EpochStarted\' && fact.owner !== this.effects.instance) own = false; } if (take !== this.#take) return null;';

export const epochs: readonly Mutant[] = [
  { id: 'epoch-filter-off', breaks: 'R3', caughtBy: 'I7', edits: [[filter, counts, 'return true;']] },
  { id: 'epoch-filter-lets-older-through', breaks: 'R3', caughtBy: 'I7', edits: [[filter, counts, 'return epoch <= this.#epoch && epoch !== noEpoch;']] },
  { id: 'restore-without-filter', breaks: 'R3', caughtBy: 'I6', edits: [['orchestrator/restore.js', 'if (filter.counts(record.offset, peeked.type, peeked.epoch))', 'if (filter.counts(record.offset, peeked.type, peeked.epoch) || true)']] },
  { id: 'restore-from-the-newest-open-job', breaks: 'R3', caughtBy: 'I6', edits: [[checkpoint, 'if (job.acceptedOffset < oldest.acceptedOffset)', 'if (oldest.acceptedOffset === state.epoch || job.acceptedOffset > oldest.acceptedOffset)']] },
  { id: 'restore-epoch-of-the-head', breaks: 'R3', caughtBy: 'I6', edits: [[checkpoint, 'restoreEpoch: from.epoch', 'restoreEpoch: state.epoch']] },
  { id: 'contiguity-check-off', breaks: 'R4', caughtBy: 'I6', edits: [[owner, contiguous, 'if (baseOffset >= expected) {']] },
  { id: 'contiguity-check-follows-the-log', breaks: 'R4', caughtBy: 'I6', edits: [[owner, contiguous, 'if (baseOffset >= expected) { this.#nextOffset = baseOffset + records.length; return baseOffset;']] },
  { id: 'own-late-marker-taken-for-harmless', breaks: 'R4', caughtBy: 'I6', edits: [[owner, contiguous, `${ownMarkersOnly} if (own) { this.#nextOffset = baseOffset + records.length; return baseOffset; } ${contiguous}`]] },
  { id: 'answer-with-an-error-taken', breaks: 'R4', caughtBy: { test: verdicts, title: 'does not take an answer that' }, edits: [['runtime/log/kafka/produce-verdict.js', 'refuseErrorCode(answer.errorCode);', '']] },
  { id: 'state-kept-after-refused-send', breaks: 'R5', caughtBy: 'I6', edits: [[owner, steppingDown, `if (code === 'APPEND_REFUSED' && this.#phase === 'owning') { this.#sending = false; this.#pump(); return; } ${steppingDown}`]] },
  { id: 'unknown-send-taken-for-written', breaks: 'R5', caughtBy: 'I6', edits: [[owner, steppingDown, `if (code === 'APPEND_UNKNOWN' && this.#phase === 'owning') { this.#sending = false; this.#pump(); return; } ${steppingDown}`]] },
  { id: 'two-sends-at-once', breaks: 'R5', caughtBy: 'I6', edits: [[owner, '            this.#sending = true;\n            void this.#send(batch, take);', '            void this.#send(batch, take);']] },
  { id: 'producer-kept-after-an-unknown-send', breaks: 'R5', caughtBy: { test: kafkaFaults, title: 'says APPEND_UNKNOWN when no acknowledgement comes' }, edits: [[sender, 'this.#retire();\n            const verdict', 'const verdict']] },
  { id: 'unknown-send-called-refused', breaks: 'R5', caughtBy: { test: verdicts, title: 'calls' }, edits: [['runtime/log/kafka/produce-verdict.js', 'progress.writes === 0 ||', 'progress.writes <= 1 ||']] },
  { id: 'sent-behind-an-unknown-send', breaks: 'R5', caughtBy: { test: kafkaFaults, title: 'sends nothing that waited behind' }, edits: [['runtime/log/kafka/kafka-writer.js', "if (how === 'failed')", 'if (false)']] },
  { id: 'taken-again-without-a-pause', breaks: 'R6', caughtBy: 'R6', edits: [[owner, pause, '']] },
  { id: 'taken-again-without-a-heartbeat', breaks: 'R6', caughtBy: 'R6', edits: [[owner, "await through(effects.seams, 'orchestrator.take-again', () => member.heartbeat());", '']] },
  { id: 'epoch-given-up-though-kept', breaks: 'R6', caughtBy: 'R6', edits: [['orchestrator/start-orchestrator.js', 'onAssigned: ({ gained, lost }, self) => {', 'onAssigned: (assignment, self) => { const lost = [...assignment.lost, ...assignment.kept]; const gained = [...assignment.gained, ...assignment.kept];']] },
];
