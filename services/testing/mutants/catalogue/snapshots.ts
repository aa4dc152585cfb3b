// R10: a snapshot is a cache. Owners go on from one at its position, and believe nothing that cannot be checked.

import type { Mutant } from '../mutant.js';

const restore = 'orchestrator/restore.js';
const load = 'orchestrator/load-snapshot.js';
const freeze = 'orchestrator/freeze.js';

export const snapshots: readonly Mutant[] = [
  { id: 'snapshot-without-offset', breaks: 'R10', caughtBy: 'R10', edits: [[restore, 'from: found.position.offset,', 'from: logged.from,']] },
  { id: 'snapshot-gone-on-from-one-too-far', breaks: 'R10', caughtBy: 'R10', edits: [[restore, 'from: found.position.offset,', 'from: Math.min(epoch, found.position.offset + 1),']] },
  { id: 'snapshot-without-its-epoch', breaks: 'R10', caughtBy: 'R10', edits: [[restore, 'epoch: found.position.epoch', 'epoch: noEpoch']] },
  { id: 'snapshot-forgets-timers', breaks: 'R10', caughtBy: 'I6', edits: [[freeze, 'restoreTimers(state);', '']] },
  { id: 'snapshot-forgets-remembered-ids', breaks: 'R10', caughtBy: 'R10', edits: [[freeze, 'state.remembered.addPacked(part.remembered);', '']] },
  { id: 'snapshot-keeps-remembered-ids-too-long', breaks: 'R10', caughtBy: 'R10', edits: [[freeze, 'state.remembered.addPacked(part.remembered);', 'state.remembered.addPacked(part.remembered); for (const ended of [...state.remembered.values(0)]) state.remembered.set({ ...ended, forgetAtMs: ended.forgetAtMs + 1 });']] },
  { id: 'version-of-snapshots-without-the-fold', breaks: 'R10', caughtBy: { test: 'orchestrator/fold-version.unit.test.js', title: 'covers every file of ours' }, edits: [['orchestrator/fold-version.js', "'./evolve.js', ", '']] },
  { id: 'snapshot-of-another-log-taken', breaks: 'R10', caughtBy: 'R10', edits: [[load, 'if (!(await isInLog(header, options)))', 'if (false)']] },
  { id: 'snapshot-digest-not-checked', breaks: 'R10', caughtBy: 'R10', edits: [[load, "if (digest.digest('hex') !== header.partsDigest)", 'if (false)']] },
];
