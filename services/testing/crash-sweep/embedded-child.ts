// Everything in one process on the folder CRASH_SWEEP_DATA, to be killed at BLACKBOARD_KILL_AT: tells its parent where
// it listens, and appends, counts and checks what the parent asks for.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { topicNames, type TopicName } from '../../../topics/topics.js';
import { contracts } from '../../../workflows/contracts.js';
import { replayLog } from '../../../replay/replay.js';
import { Keyring } from '../../runtime/keyring.js';
import { parseKeys } from '../../runtime/keys.js';
import { createLogger } from '../../runtime/logger.js';
import { startAll } from '../../up/start-all.js';
import { verifyLog, type VerifyReport } from '../../verify/verify-log.js';
import { agents, noteRun, workflows } from './canonical-job.js';
import { partitions, renewAfterRecords, snapshots } from './settings.js';

export type Question =
  | { readonly ask: 'append'; readonly id: number; readonly topic: TopicName; readonly partition: number; readonly key: string; readonly value: string }
  /** Records of verified and audit rows. */
  | { readonly ask: 'counts'; readonly id: number }
  | { readonly ask: 'verify'; readonly id: number };

export interface Verified {
  readonly report: VerifyReport;
  /** Taken again, and how they differ. */
  readonly decisions: number;
  readonly divergences: readonly string[];
}

const dataDir = process.env['CRASH_SWEEP_DATA'] ?? '';
const all = await startAll({
  world: { mode: 'embedded', dataDir, partitions }, logger: createLogger({ service: 'up', level: 'warn' }), agents: agents(), workflows, renewAfterRecords, snapshots,
  models: async ({ user }) => {
    noteRun(`model ${user}`);
    return { value: { said: 'yes' }, modelId: 'sweep', fallbackTaken: '', usage: { modelCalls: 1, inputTokens: 1, outputTokens: 1, costMicros: 1 } };
  },
});
const topics = topicNames();

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'append': return all.log.append({ topic: question.topic, partition: question.partition, records: [{ key: Buffer.from(question.key), value: Buffer.from(question.value, 'base64') }] });
    case 'counts': {
      const records = (await all.log.ranges(topics.verified)).reduce((sum, range) => sum + range.next, 0);
      const [counted] = await all.db.query<{ rows: number }>('SELECT count(*)::int AS rows FROM audit_rows');
      return { records, rows: counted?.rows ?? 0 };
    }
    case 'verify': {
      const path = join(dataDir, 'keys.json');
      const source = { log: all.log, topics, codec: all.codec, keyring: new Keyring(parseKeys(readFileSync(path, 'utf8'), path)) };
      const report = await verifyLog({ ...source, db: all.db, isAtRest: true });
      const { decisions, divergences } = await replayLog({ ...source, contracts });
      return { report, decisions, divergences: divergences.map((divergence) => JSON.stringify(divergence)) } satisfies Verified;
    }
  }
}

process.on('message', (question: Question) => {
  answer(question).then((value) => process.send?.({ id: question.id, value }), (error: unknown) => process.send?.({ id: question.id, error: String(error) }));
});
process.send?.({ url: all.ingressUrl });
void all.halted.then((error) => {
  process.stderr.write(`halted: ${error.message}\n`);
  process.exit(1);
});
process.once('SIGTERM', () => void all.close().finally(() => process.disconnect()));
