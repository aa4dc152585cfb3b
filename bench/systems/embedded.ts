// node dist/bench/systems/embedded.js: this runtime in embedded mode, all services and the driver in one process.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topicNames } from '../../topics/topics.js';
import { parseKeys } from '../../services/runtime/keys.js';
import { Keyring } from '../../services/runtime/keyring.js';
import { createLogger } from '../../services/runtime/logger.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { startAll } from '../../services/up/start-all.js';
import { workflowSchema } from '../../services/blackboard/workflow.js';
import { agent } from '../w3/agent.js';
import type { JobSystem } from '../w3/measure.js';
import { serve } from '../w3/serve.js';
import { TerminalFacts } from './facts.js';
import { Outcomes } from './outcomes.js';
import { idOf, submitToLog } from './submissions.js';

const partitions = 4;

await serve(async (): Promise<JobSystem> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-embedded-'));
  const workflow = workflowSchema.parse(JSON.parse(readFileSync(join(projectRoot, 'bench/w3/workflows/w3.json'), 'utf8')));
  const all = await startAll({
    world: { mode: 'embedded', dataDir, partitions }, logger: createLogger({ service: 'bench', level: 'warn' }),
    agents: [agent], workflows: [workflow],
  });
  const outcomes = await Outcomes.listen(all.db);
  const keyring = new Keyring(parseKeys(readFileSync(join(dataDir, 'keys.json'), 'utf8'), 'keys.json'));
  const parts = { log: all.log, codec: all.codec, topics: topicNames(), partitions, keyring };
  let facts: TerminalFacts | null = null;
  return {
    about: ['blackboard, embedded mode: one process, lmdb log with fsync, PGlite, 4 partitions'],
    processes: () => ({ driver: [process.pid] }),
    async runJob(name) {
      const outcome = outcomes.of(idOf(name));
      await submitToLog(parts, name);
      return outcome;
    },
    async runToFact(name) {
      facts ??= await TerminalFacts.read(parts);
      const ended = facts.of(idOf(name));
      await submitToLog(parts, name);
      await ended;
    },
    async close() {
      await facts?.close();
      await all.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
});
