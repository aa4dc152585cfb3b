// One run at saturation with a processor profile of each service, kept apart from what is measured: profiling costs.

import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Driver } from '../driver.js';
import { hotFunctionsOf, type CpuProfile, type HotFunctions } from '../report/profiles.js';
import { setupOf, type Servers } from '../servers.js';
import type { SystemChoice } from '../systems.js';

const deadlineMs = 240_000;
const buildRoot = new URL('../../', import.meta.url).href;

/** @param folder where the .cpuprofile files stay. @returns the busiest service first. */
export async function profileRun(choice: SystemChoice, servers: Servers, folder: string, jobs: number): Promise<readonly HotFunctions[]> {
  mkdirSync(folder, { recursive: true });
  const before = new Set(readdirSync(folder));
  const { driver } = await Driver.start('profiles', choice.program, { ...await setupOf(choice, servers), profiles: folder });
  try {
    await driver.measure({ measure: 'throughput', jobs, inFlight: choice.inFlight }, deadlineMs);
  } finally {
    await driver.stop();
  }
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile') && !before.has(name));
  const found = files.map((name) => hotFunctionsOf(name.replace(/-\d+\.cpuprofile$/, ''), JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile, buildRoot));
  return found.sort((a, b) => b.busySeconds - a.busySeconds);
}
