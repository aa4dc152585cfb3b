// Records a golden log: `node dist/replay/record-golden.js NAME --reason TEXT [--data DIR]`. NAME is one of the runs in
// golden-runs.ts; with --data it is any name, and the log of that folder is kept as it is. Every golden log is replayed
// by `npm test`: recording one again says that decisions may differ from now on, so the reason is kept in the file.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { topicNames } from '../topics/topics.js';
import { contracts } from '../workflows/contracts.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { BlackboardError } from '../services/runtime/errors.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { readGolden, writeGolden } from './golden-file.js';
import { goldenRuns, heldRun, type GoldenRun } from './golden-runs.js';
import { openRecorded } from './open-recorded.js';
import { divergenceLines } from './render.js';
import { replayLog } from './replay.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { reason: { type: 'string' }, data: { type: 'string' } } });
const [name = ''] = positionals;
const { reason = '', data } = values;
if (!/^[a-z][a-z0-9-]{0,40}$/.test(name) || reason === '') {
  throw new BlackboardError('INPUT_INVALID', `usage: node dist/replay/record-golden.js NAME --reason TEXT [--data DIR]; NAME: ${Object.keys(goldenRuns).join(', ')}, or with --data any`);
}

const run = data === undefined ? await recordRun(name) : await recordFolder(data);
const topics = topicNames();
const bytes = writeGolden({ format: 1, name, reason, partitions: run.partitions, jobs: 0 }, run.records);
const report = await replayLog({ log: readGolden(bytes, topics).log, topics, codec: embeddedCodec(join(projectRoot, 'schemas')), contracts });
if (report.firstDivergence !== null || report.undecided > 0) {
  const lines = report.firstDivergence === null ? [] : divergenceLines(report.firstDivergence, 200);
  throw new BlackboardError('REPLAY_DIVERGED', `what was recorded just now does not replay, and was not kept: ${report.undecided} claims undecided\n${lines.join('\n')}`);
}
await mkdir(join(projectRoot, 'replay/golden'), { recursive: true });
await writeFile(join(projectRoot, 'replay/golden', `${name}.golden`), writeGolden({ format: 1, name, reason, partitions: run.partitions, jobs: report.jobs }, run.records));
process.stdout.write(`${name}: ${report.jobs} jobs, ${report.claims} claims, ${report.facts} facts, ${report.epochs} epochs, ${report.inert} inert, ${bytes.length} bytes\n`);

function recordRun(wanted: string): Promise<GoldenRun> {
  const record = Object.hasOwn(goldenRuns, wanted) ? goldenRuns[wanted] : undefined;
  if (record === undefined) throw new BlackboardError('INPUT_INVALID', `there is no run called ${wanted}: ${Object.keys(goldenRuns).join(', ')}, or name a folder with --data`);
  return record();
}

async function recordFolder(dataDir: string): Promise<GoldenRun> {
  const recorded = await openRecorded({ mode: 'embedded', dataDir });
  try {
    return await heldRun(recorded.log);
  } finally {
    await recorded.log.close();
  }
}
