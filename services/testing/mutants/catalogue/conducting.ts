// What happens next: steps, attempts, ends, and the stamps on every fact.

import type { Mutant } from '../mutant.js';

const conduct = 'orchestrator/conduct.js';
const turn = 'orchestrator/turn.js';

export const conducting: readonly Mutant[] = [
  { id: 'one-attempt-too-many', breaks: 'conduct', caughtBy: 'I18', edits: [[conduct, 'step.attempt < definition.attempts;', 'step.attempt <= definition.attempts;']] },
  { id: 'retry-before-its-time', breaks: 'conduct', caughtBy: 'I18', edits: [[conduct, 'if (retryAtMs <= turn.state.timeMs)', 'if (true)']] },
  { id: 'attempt-number-used-again', breaks: 'conduct', caughtBy: 'I7', edits: [[conduct, 'const attempt = step.attempt + 1;', 'const attempt = Math.max(1, step.attempt);']] },
  { id: 'step-before-its-inputs', breaks: 'conduct', caughtBy: 'I7', edits: [[conduct, '.every((other) => isSettled(job, other))', '.some((other) => isSettled(job, other)) || step.definition.after.length === 0']] },
  { id: 'inputs-of-rejected-steps', breaks: 'conduct', caughtBy: 'I3', edits: [[conduct, 'producerStep: artifact.step, refs', "producerStep: '', refs"]] },
  { id: 'job-ended-twice', breaks: 'conduct', caughtBy: 'I1', edits: [[conduct, "endJob(turn, job, 'completed', '', result);", "{ endJob(turn, job, 'completed', '', result); endJob(turn, job, 'completed', '', result); }"]] },
  { id: 'fact-without-its-policy', breaks: 'conduct', caughtBy: 'I17', edits: [[turn, 'policyVersion: state.policyVersion,', "policyVersion: '',"]] },
  { id: 'fact-under-another-key', breaks: 'conduct', caughtBy: 'I15', edits: [['orchestrator/decision-queue.js', 'key: Buffer.from(fact.job)', "key: Buffer.from(fact.type === 'StepCompleted' ? '' : fact.job)"]] },
  { id: 'refused-append-lands', breaks: 'log', caughtBy: 'I2', edits: [['runtime/log/memory/memory-log.js', "if (fault === 'refuse')", "if (fault === 'refuse') this.store.write(batch); if (fault === 'refuse')"]] },
  { id: 'acknowledged-append-lost', breaks: 'log', caughtBy: 'I2', edits: [['runtime/log/memory/memory-log.js', "const appended = this.store.write(batch);", "const { next } = this.store.range(batch.topic, batch.partition); const appended = batch.topic.endsWith('quarantine') && next % 50 === 49 && this.store.lost !== next && (this.store.lost = next) ? { baseOffset: next, appendTimeMs: 0 } : this.store.write(batch);"]] },
];
