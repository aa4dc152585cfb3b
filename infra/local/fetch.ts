// Brings Kafka and Apicurio out of Maven into a cache that processes share. A folder appears there whole or not at
// all: it is filled under another name and renamed. The lock only saves a second download; safety is the rename.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync, closeSync, mkdtempSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlackboardError } from '../../services/runtime/errors.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { localNeeds } from './needs.js';

export const kafkaVersionPinned = '4.3.1';
export const kafkaVersionOldest = '3.9.1';
/** The version of brokers that name none: `$BLACKBOARD_KAFKA_VERSION`, else the pinned one. */
export function kafkaVersionWanted(): string {
  return process.env['BLACKBOARD_KAFKA_VERSION'] || kafkaVersionPinned;
}

const apicurioVersion = '3.0.9';
const mavenMinutesMax = 15;

/** Receives one line of progress; the caller decides where it is shown. */
export type Say = (line: string) => void;

export const sayOnStderr: Say = (line) => process.stderr.write(`${line}\n`);

/** The folder of Kafka's jars. Throws KAFKA_UNAVAILABLE when it is not cached and cannot be fetched. */
export function fetchKafka({ version = kafkaVersionWanted(), say = sayOnStderr }: { version?: string; say?: Say } = {}): Promise<string> {
  return intoCache(`kafka-${version}`, {
    label: `Apache Kafka ${version} (43 MB)`,
    say,
    isWhole: (folder) => namesIn(folder).some((name) => name === `kafka_2.13-${version}.jar`),
    fill: (folder) => maven(['-f', pom('kafka'), `-Dkafka.version=${version}`, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]),
  });
}

/** The path of Apicurio's runner jar, its libraries beside it. Throws KAFKA_UNAVAILABLE like `fetchKafka`. */
export async function fetchApicurio({ say = sayOnStderr }: { say?: Say } = {}): Promise<string> {
  const runner = `apicurio-registry-app-${apicurioVersion}-runner.jar`;
  const folder = await intoCache(`apicurio-${apicurioVersion}`, {
    label: `Apicurio Registry ${apicurioVersion} (108 MB)`,
    say,
    isWhole: (each) => namesIn(each).includes(runner),
    fill: (each) =>
      maven(['-f', pom('apicurio'), 'dependency:unpack', `-DoutputDirectory=${each}`, `-Dscratch=${each}.scratch`]),
  });
  return join(folder, runner);
}

/** `$BLACKBOARD_CACHE`, else `~/.cache/blackboard`; made when it is not there. */
export function cacheFolder(): string {
  const folder = process.env['BLACKBOARD_CACHE'] || join(homedir(), '.cache', 'blackboard');
  mkdirSync(folder, { recursive: true });
  return folder;
}

interface Cached {
  readonly label: string;
  readonly say: Say;
  readonly isWhole: (folder: string) => boolean;
  readonly fill: (folder: string) => Promise<void>;
}

/** The folder `name` in the cache, filled first when it is not there. Exported for its test. */
export async function intoCache(name: string, { label, say, isWhole, fill }: Cached): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  const unlock = await lock(`${folder}.lock`, { until: () => existsSync(folder), onWait: () => say(`waiting for another process to fetch ${label}`) });
  const scratch = mkdtempSync(`${folder}.part-`);
  try {
    if (existsSync(folder)) return folder;
    say(`fetching ${label} from Maven into ${folder}; once only`);
    const filled = join(scratch, 'content');
    await fill(filled);
    if (!isWhole(filled)) throw new BlackboardError('KAFKA_UNAVAILABLE', `Maven ended well, but ${label} is not in ${filled}: run the command again`);
    publish(filled, folder);
    say(`fetched ${label}`);
    return folder;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    unlock();
  }
}

function publish(filled: string, folder: string): void {
  try {
    renameSync(filled, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // otherwise another process was first, and its copy is as good
  }
}

/** Waits for the lock of a living process, at most as long as a fetch may take; takes over that of a dead one. */
async function lock(path: string, { until, onWait }: { until: () => boolean; onWait: () => void }): Promise<() => void> {
  const end = Date.now() + mavenMinutesMax * 60_000;
  for (let waited = false; !until() && Date.now() < end; await sleep(200)) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (isAbandoned(path)) rmSync(path, { force: true });
    else if (!waited) {
      onWait();
      waited = true;
    }
  }
  return () => undefined;
}

function isAbandoned(path: string): boolean {
  let pid: number;
  try {
    pid = Number(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
  if (pid === 0) return false; // made a moment ago, not written yet
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function maven(args: readonly string[]): Promise<void> {
  const { java, maven: mvn } = await localNeeds();
  const missing = [...(java.ok ? [] : [`Java 17+ (found: ${java.found}): ${java.hint}`]), ...(mvn.ok ? [] : [`Maven (found: ${mvn.found}): ${mvn.hint}`])];
  if (missing.length > 0 || mvn.path === undefined) {
    throw new BlackboardError(
      'KAFKA_UNAVAILABLE',
      `a local Kafka and its registry cannot be fetched here. Missing: ${missing.join('; ')}. On Debian, both: apt-get install openjdk-17-jre-headless maven. Or set KAFKA_BROKERS to a broker that runs.`,
      { missing },
    );
  }
  await new Promise<void>((resolve, reject) => {
    execFile(mvn.path as string, ['-q', '-B', ...args], { timeout: mavenMinutesMax * 60_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error === null) return resolve();
      const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('ERROR')).slice(0, 3).join('\n');
      reject(new BlackboardError('KAFKA_UNAVAILABLE', `Maven could not fetch what a local Kafka needs; check the network and Maven's settings, then run the command again.\n${said}`, {}, { cause: error }));
    });
  });
}

function pom(name: 'kafka' | 'apicurio'): string {
  return join(projectRoot, 'infra', 'local', name, 'pom.xml');
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
