// What can be known of docker-compose.yml without an engine: each container would find its command, its variables,
// its secrets, and those that it waits for.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { briefAgents } from '../../services/agents/brief-agents.js';
import { buildProgram } from '../../services/cli/program.js';
import { processTerminal } from '../../services/cli/terminal.js';
import { parseApiKeys } from '../../services/ingress/callers.js';
import { readConfig, type ConfigRow } from '../../services/runtime/config.js';
import { parseKeys } from '../../services/runtime/keys.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { describeConfig } from '../../services/runtime/config.js';
import { configSchemaOf } from '../docs/config-schemas.js';
import { composeSchema } from './compose-schema.js';
import { setupConfigSchema } from './setup-config.js';

interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly restart?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const textOf = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const base = textOf('docker-compose.yml');
const scram = textOf('infra/compose/scram.yml');
const documented = new Set([...textOf('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name));

const layers = { 'docker-compose.yml': [base], 'docker-compose.yml with infra/compose/scram.yml': [base, scram] };

for (const [files, texts] of Object.entries(layers)) describe(files, () => {
  const text = texts.join('\n');
  const written = texts.map((one) => parse(one, { merge: true }) as ComposeFile).reduce(onTop);
  const file = texts.map((one) => parse(filledIn(one), { merge: true }) as ComposeFile).reduce(onTop);
  const services = Object.entries(file.services);
  const ours = services.filter(([, service]) => service.build !== undefined);
  const secretFile = (inContainer: string): string => join(secrets, basename(file.secrets[basename(inContainer)]?.file ?? assert.fail(`no secret for ${inContainer}`)));
  let secrets: string;
  before(() => {
    secrets = join(mkdtempSync(join(tmpdir(), 'blackboard-secrets-')), 'secrets');
    const made = spawnSync(process.execPath, [fileURLToPath(new URL('./make-secrets.js', import.meta.url)), secrets], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
  });
  after(() => rmSync(join(secrets, '..'), { recursive: true }));

  it('keeps the Compose Specification', () => {
    const ajv = new Ajv({ allErrors: true, strictTuples: false, ownProperties: true });
    const isValid = ajv.validate(composeSchema, written);
    assert.ok(isValid, JSON.stringify(ajv.errors, null, 1));
    assert.equal(ajv.validate(composeSchema, { name: 'x', services: { a: { image: 'b', comand: ['c'] } } }), false, 'the schema lets a misspelt key pass');
  });

  it('pins every image to a version', () => {
    for (const [name, { image }] of services) assert.match(image, /^[a-z0-9./-]+:\d[\w.-]*$/, `${name}: ${image}`);
    for (const [, image] of readFileSync(join(projectRoot, 'Dockerfile'), 'utf8').matchAll(/^FROM (\S+)/gm)) assert.match(image ?? '', /:\d/, image);
  });

  it('has a container for each service, and for each agent that ships but the liar', () => {
    const commands = ours.map(([, service]) => service.command?.[0]);
    for (const command of ['orchestrator', 'projector', 'snapshots', 'gateway', 'ingress']) assert.equal(commands.filter((one) => one === command).length, 1, command);
    const agents = ours.flatMap(([, service]) => service.environment?.['AGENTS'] ?? []);
    assert.deepEqual([...agents].sort(), briefAgents({ collectorRoots: [] }).map((agent) => agent.name).filter((name) => name !== 'liar').sort());
  });

  it('names commands that exist', () => {
    const program = buildProgram({ terminal: processTerminal({}), env: {}, stopped: new AbortController().signal, readStdin: () => Promise.resolve(Buffer.alloc(0)), finish: () => undefined });
    const known = program.commands.map((command) => command.name());
    for (const [name, { entrypoint, command = [] }] of ours) {
      if (entrypoint === undefined) assert.ok(known.includes(command[0] ?? ''), `${name}: blackboard ${command[0]}`);
      else assert.ok(entrypoint[0] === 'node' && existsSync(fileURLToPath(new URL(`../../${(command[0] ?? '').replace(/^dist\//, '')}`, import.meta.url))), `${name}: ${command[0]}`);
    }
  });

  it('gives each of our containers variables that its configuration knows, and one that it starts with', async () => {
    for (const [name, { command = [], environment = {} }] of ours) {
      const schema = name === 'setup' ? setupConfigSchema : await configSchemaOf(command[0] ?? '');
      const known = new Set(describeConfig(schema).flatMap((row: ConfigRow) => (row.secret ? [row.name, `${row.name}_FILE`] : [row.name])));
      for (const variable of Object.keys(environment)) {
        assert.ok(known.has(variable), `${name}: nothing reads ${variable}`);
        assert.ok(documented.has(variable.replace(/_FILE$/, '')), `${name}: ${variable} is not in .env.example`);
      }
      const env = Object.fromEntries(Object.entries(environment).map(([variable, value]) => [variable, value.startsWith('/run/secrets/') ? secretFile(value) : value]));
      assert.doesNotThrow(() => readConfig(schema, env), `${name} would not start`);
    }
  });

  it('documents every variable that is filled in', () => {
    for (const [, variable] of text.matchAll(/\$\{([A-Z0-9_]+)/g)) assert.ok(documented.has(variable), `${variable} is not in .env.example`);
  });

  it('waits only for what can be waited for', () => {
    for (const [name, { depends_on: waits = {} }] of services) {
      for (const [other, { condition }] of Object.entries(waits)) {
        const target = file.services[other];
        assert.ok(target !== undefined, `${name} waits for ${other}, which is not there`);
        if (condition === 'service_healthy') assert.ok(target.healthcheck !== undefined, `${name} waits for the health of ${other}, which has no check`);
        if (condition === 'service_completed_successfully') assert.equal(target.restart, 'no', `${name} waits for the end of ${other}, which is started again`);
      }
    }
    for (const [name] of services) assert.ok(endsWaiting(name, []), name);
  });

  it('gives each container its own secrets and no others', () => {
    const used = services.flatMap(([, service]) => service.secrets ?? []);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(file.secrets).sort());
    for (const [, { file: path }] of Object.entries(file.secrets)) assert.ok(existsSync(join(secrets, basename(path))), `make-secrets makes no ${path}`);
    for (const [name, { environment = {}, secrets: given = [] }] of ours) {
      const named = Object.values(environment).filter((value) => value.startsWith('/run/secrets/')).map((value) => basename(value));
      assert.deepEqual(named.sort(), [...given].sort(), name);
      const keyFile = environment['BLACKBOARD_KEYS_FILE'];
      if (keyFile === undefined) continue;
      const principals = parseKeys(readFileSync(secretFile(keyFile), 'utf8'), name).map((key) => key.principal);
      if (name !== 'orchestrator' && name !== 'gateway') assert.deepEqual(principals, [name], `${name} holds keys of others`);
    }
    assert.equal(parseApiKeys(readFileSync(join(secrets, 'api-keys.json'), 'utf8')).length, 1);
    assert.equal(statSync(join(secrets, 'keys-all.json')).mode & 0o077, 0, 'a secret can be read by others');
  });

  it('makes no secret twice', () => {
    const again = spawnSync(process.execPath, [fileURLToPath(new URL('./make-secrets.js', import.meta.url)), secrets], { encoding: 'utf8' });
    assert.equal(again.status, 4, again.stderr);
  });

  it('mounts what is there', () => {
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const source = volume.split(':')[0] ?? '';
        if (!source.startsWith('.')) assert.ok(source in file.volumes, `${name}: no volume ${source}`);
        else if (source !== './documents') assert.ok(existsSync(join(projectRoot, source)), `${name}: no ${source}`);
      }
    }
  });

  function endsWaiting(name: string, above: readonly string[]): boolean {
    assert.ok(!above.includes(name), `they wait for each other: ${[...above, name].join(' → ')}`);
    return Object.keys(file.services[name]?.depends_on ?? {}).every((other) => endsWaiting(other, [...above, name]));
  }
});

describe('Dockerfile', () => {
  const dockerfile = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => (sources ?? '').split(' '));

  it('copies what is there, and what the build context lets in', () => {
    const allowed = readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    for (const source of copied) {
      assert.ok(existsSync(join(projectRoot, source)), `${source} is not there`);
      assert.ok(allowed.includes(source), `.dockerignore keeps ${source} out`);
    }
  });

  it('copies every folder that the build compiles', () => {
    const { include } = JSON.parse(readFileSync(join(projectRoot, 'tsconfig.json'), 'utf8')) as { include: string[] };
    for (const folder of include.filter((name) => existsSync(join(projectRoot, name)))) assert.ok(copied.includes(folder), `${folder} is not copied`);
  });

  it('runs as somebody without rights', () => assert.match(dockerfile.split('FROM').at(-1) ?? '', /^USER (?!root|0)\w+$/m));
});

/** Fills in defaults as an engine does: `${NAME:-default}`, and `$$` for one dollar. */
function filledIn(yaml: string): string {
  return yaml.replaceAll(/\$\{([A-Z0-9_]+)(?::-([^}]*))?\}/g, (_all, _name: string, fallback: string | undefined) => fallback ?? '').replaceAll('$$', '$');
}

/** Lays one file over another as an engine does: mappings are merged, lists joined, commands and the rest replaced. */
function onTop(below: ComposeFile, above: ComposeFile): ComposeFile {
  return merged(below, above, '') as ComposeFile;
}

function merged(below: unknown, above: unknown, key: string): unknown {
  if (Array.isArray(below) && Array.isArray(above) && !['test', 'command', 'entrypoint'].includes(key)) return [...new Set([...below, ...above])];
  if (!isMapping(below) || !isMapping(above)) return above;
  return { ...below, ...Object.fromEntries(Object.entries(above).map(([name, value]) => [name, name in below ? merged(below[name], value, name) : value])) };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
