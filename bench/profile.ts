// node --import …/profile.js …: writes a processor profile of the process, from its start to its end, to BENCH_PROFILES.

import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { basename, dirname, join } from 'node:path';

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 500 });
await session.post('Profiler.start');
process.once('SIGTERM', () => {
  void session.post('Profiler.stop').then(({ profile }) => {
    const program = basename(dirname(process.argv[1] ?? 'node'));
    writeFileSync(join(process.env['BENCH_PROFILES'] ?? '.', `${program}-${process.pid}.cpuprofile`), JSON.stringify(profile));
  });
});
