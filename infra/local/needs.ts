// What this machine has of the things that Node cannot bring: Java 17+, Maven, the Postgres server.
import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Need {
  readonly ok: boolean;
  /** What was found, in words; "nothing" otherwise. */
  readonly found: string;
  /** How to get it on Debian and elsewhere. */
  readonly hint: string;
  /** The program (java, mvn) or the folder of programs (postgres). */
  readonly path?: string;
}

export type LocalNeeds = Readonly<Record<'java' | 'maven' | 'postgres', Need>>;

const oldestJava = 17;
const hints = {
  java: 'install Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME',
  maven: 'install Maven (Debian: apt-get install maven)',
  postgres: 'install the Postgres server (Debian: apt-get install postgresql) or set POSTGRES_BIN to the folder of initdb',
};

/** Looks, starts `java -version` once, and never throws. */
export async function localNeeds(): Promise<LocalNeeds> {
  const [java, maven, postgres] = await Promise.all([findJava(), findMaven(), findPostgres()]);
  return { java, maven, postgres };
}

/** JAVA_HOME first, then PATH; too old a Java counts as missing. */
export async function findJava(): Promise<Need> {
  const home = process.env['JAVA_HOME'];
  const path = firstExecutable([...(home ? [join(home, 'bin')] : []), ...pathFolders()], 'java');
  if (path === undefined) return { ok: false, found: 'nothing', hint: hints.java };
  const said = await outputOf(path, ['-version']);
  const major = javaMajor(said);
  if (major === undefined) return { ok: false, found: `${path}, which does not say its version`, hint: hints.java };
  return { ok: major >= oldestJava, found: `Java ${major} at ${path}`, hint: hints.java, path };
}

/** The major version in the output of `java -version` ("17.0.1", and "1.8.0" for 8). */
export function javaMajor(said: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(said);
  return match === null ? undefined : Number(match[1]);
}

async function findMaven(): Promise<Need> {
  const path = firstExecutable(pathFolders(), 'mvn');
  return path === undefined ? { ok: false, found: 'nothing', hint: hints.maven } : { ok: true, found: `Maven at ${path}`, hint: hints.maven, path };
}

/** POSTGRES_BIN, then PATH, then the folders that Debian, Red Hat and Homebrew keep out of PATH; the newest first. */
export async function findPostgres(): Promise<Need> {
  const named = process.env['POSTGRES_BIN'];
  const folders = named ? [named] : [...pathFolders(), ...versionedFolders()];
  const folder = folders.find((each) => isExecutable(join(each, 'initdb')) && isExecutable(join(each, 'postgres')));
  if (folder === undefined) return { ok: false, found: 'nothing', hint: hints.postgres };
  const said = (await outputOf(join(folder, 'postgres'), ['--version'])).trim();
  return { ok: true, found: `${said} at ${folder}`, hint: hints.postgres, path: folder };
}

function versionedFolders(): string[] {
  const parents = [
    { parent: '/usr/lib/postgresql', matching: /^\d+$/ },
    { parent: '/usr', matching: /^pgsql-\d+$/ },
    { parent: '/opt/homebrew/opt', matching: /^postgresql(@\d+)?$/ },
    { parent: '/usr/local/opt', matching: /^postgresql(@\d+)?$/ },
  ];
  return parents.flatMap(({ parent, matching }) =>
    namesIn(parent)
      .filter((name) => matching.test(name))
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((name) => join(parent, name, 'bin')),
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

function firstExecutable(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: 20_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
