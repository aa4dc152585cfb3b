// The child of the embedded storm: sends and reads at random on an embedded log until it is killed, and prints each
// operation as it begins and as it ends, before anything else happens. Arguments: directory, name, partitions.

import { writeSync } from 'node:fs';
import { topicNames } from '../../../topics/topics.js';
import { openEmbeddedLog } from '../../runtime/log/embedded/embedded-log.js';
import { followAll, readInGroup, writeAtRandom, type LoadOptions } from './random-load.js';
import { OperationRecorder } from './recorded-log.js';

const [directory = '', name = '', partitions = ''] = process.argv.slice(2);
const { quarantine, verified } = topicNames();
const load: LoadOptions = { topics: [quarantine, verified], partitions: Number(partitions), random: Math.random, stopped: new AbortController().signal };
const log = await openEmbeddedLog({ directory, topics: load.topics.map((topic) => ({ name: topic, partitions: load.partitions })) });
const recorder = (kind: string): OperationRecorder => new OperationRecorder(`${name}-${kind}`, (operation) => { writeAll(`${JSON.stringify(operation)}\n`); });
const group = { group: 'storm', progress: new Map<string, number>(), staysMs: 60 };
writeAll('open\n');
await Promise.all([writeAtRandom(log, recorder('writer'), load), readInGroup(log, recorder('member-1'), load, group), readInGroup(log, recorder('member-2'), load, group), followAll(log, recorder('follower'), load)]);

/** A pipe takes what it has room for; the rest is tried again until it is taken. */
function writeAll(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
