// R8 and R9: time is data, and a job's life has a name of its own.

import type { Mutant } from '../mutant.js';

const decideRecord = 'orchestrator/decide-record.js';
const conduct = 'orchestrator/conduct.js';
const judge = 'orchestrator/judge.js';

const now = 'state.timeMs = Math.max(state.timeMs, record.appendTimeMs);';

export const time: readonly Mutant[] = [
  { id: 'deadlines-by-the-claims-time', breaks: 'R8', caughtBy: { test: 'orchestrator/start-orchestrator.unit.test.js', title: 'gives agents their whole time' }, edits: [[conduct, 'Math.max(turn.state.timeMs, turn.state.writtenAtMs)', 'turn.state.timeMs']] },
  { id: 'time-by-the-senders-clock', breaks: 'R8', caughtBy: 'I11', edits: [[decideRecord, now, 'state.timeMs = Math.max(state.timeMs, claim?.atMs ?? 0, record.appendTimeMs);']] },
  { id: 'timers-by-the-local-clock', breaks: 'R8', caughtBy: 'I11', edits: [['orchestrator/decision-queue.js', 'appendTimeMs: record.appendTimeMs', 'appendTimeMs: Math.floor(this.effects.monotonicMs())']] },
  { id: 'fact-tells-another-time', breaks: 'R8', caughtBy: 'I11', edits: [['orchestrator/turn.js', 'atMs: state.timeMs,', "atMs: own.type === 'StepCompleted' ? state.timeMs - 1 : state.timeMs,"]] },
  { id: 'time-falls-back', breaks: 'R8', caughtBy: 'I11', edits: [[decideRecord, now, 'state.timeMs = record.appendTimeMs;']] },
  { id: 'timers-after-the-claim', breaks: 'R8', caughtBy: 'I11', edits: [[decideRecord, 'fireTimers(turn, claim.job);', '{ }'], [decideRecord, '    fireOtherTimers(turn);\n    answer(', '    answer(']] },
  { id: 'timer-lost-on-restart', breaks: 'R8', caughtBy: 'live', edits: [['orchestrator/tick-timer.js', '        this.#tickOutAtMs = -Infinity;\n        this.rearm();', '        this.#tickOutAtMs = -Infinity;']] },
  { id: 'job-deadline-never-bites', breaks: 'R8', caughtBy: 'live', edits: [[conduct, 'if (job.deadlineAtMs <= turn.state.timeMs)', 'if (false)']] },
  { id: 'instance-not-checked', breaks: 'R9', caughtBy: 'I4', edits: [[judge, 'return claim.instance === job.instance ||', 'return true ||']] },
  { id: 'duplicate-submission-accepted', breaks: 'R9', caughtBy: 'I1', edits: [[judge, 'if (known !== undefined)', 'if (known !== undefined && known !== ended)']] },
  { id: 'open-job-submitted-again', breaks: 'R9', caughtBy: 'I1', edits: [[judge, 'if (known !== undefined)', 'if (known !== undefined && known !== open)']] },
  { id: 'remembered-ids-swept-early', breaks: 'R9', caughtBy: 'I6', edits: [['blackboard/remembered-leaf.js', 'return passesMsOf(leaf, at) > timeMs;', 'return passesMsOf(leaf, at) > timeMs + 500;']] },
  { id: 'remembered-ids-not-restored', breaks: 'R9', caughtBy: 'I6', edits: [['orchestrator/checkpoint.js', 'ended !== undefined && ended.acceptedOffset < oldest.acceptedOffset', 'false']] },
  { id: 'instance-is-the-place-of-the-fact', breaks: 'R9', caughtBy: 'I17', edits: [['orchestrator/decide.js', 'instance: turn.cause.offset', 'instance: turn.cause.offset + 1']] },
];
