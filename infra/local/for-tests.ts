// Where an integration test gets its servers: named ones (KAFKA_BROKERS, SCHEMA_REGISTRY_URL), those of the test run
// (BLACKBOARD_TEST_STACK), or its own. Within one process a server is started once and stopped by the last release.
import { BlackboardError } from '../../services/runtime/errors.js';
import { localNeeds, type Need } from './needs.js';
import { startStack, type LocalStack, type StackAddresses, type StackWants } from './stack.js';

export interface Shared<T> {
  readonly release: () => Promise<void>;
  readonly address: T;
}

/**
 * Undefined when everything wanted can be had; otherwise a sentence for node:test's `skip`. Where REQUIRE_KAFKA=1, a
 * missing thing throws instead.
 */
export async function whatIsMissing(wants: StackWants): Promise<string | undefined> {
  const given = givenAddresses();
  const needs = await localNeeds();
  const java = (wants.kafka && given.bootstrap === undefined) || (wants.registry && given.registryUrl === undefined);
  const needed: [string, Need][] = [
    ...(java ? ([['Java 17+', needs.java], ['Maven', needs.maven]] as [string, Need][]) : []),
    ...(wants.postgres && given.postgresUrl === undefined ? ([['Postgres', needs.postgres]] as [string, Need][]) : []),
  ];
  const missing = needed.filter(([, need]) => !need.ok).map(([name, need]) => `${name} (found: ${need.found}; ${need.hint})`);
  if (missing.length === 0) return undefined;
  const sentence = `missing: ${missing.join(', ')}`;
  if (process.env['REQUIRE_KAFKA'] === '1') throw new BlackboardError('KAFKA_UNAVAILABLE', `REQUIRE_KAFKA=1 is set, so nothing may be skipped; ${sentence}`);
  return sentence;
}

/** A broker without authentication, as `host:port`. */
export async function sharedBroker(): Promise<{ bootstrap: string; release: () => Promise<void> }> {
  const { address, release } = await shared('kafka', 'bootstrap');
  return { bootstrap: address, release };
}

/** A schema registry with global compatibility FULL_TRANSITIVE. */
export async function sharedRegistry(): Promise<{ registryUrl: string; release: () => Promise<void> }> {
  const { address, release } = await shared('registry', 'registryUrl');
  return { registryUrl: address, release };
}

/** The URL of a Postgres whose user may create databases; a test makes a database of its own there. */
export async function sharedPostgres(): Promise<{ postgresUrl: string; release: () => Promise<void> }> {
  const { address, release } = await shared('postgres', 'postgresUrl');
  return { postgresUrl: address, release };
}

interface Running {
  readonly stack: Promise<LocalStack>;
  holders: number;
}

const running = new Map<keyof StackWants, Running>();

async function shared(part: keyof StackWants, key: keyof StackAddresses): Promise<Shared<string>> {
  const given = givenAddresses()[key];
  if (given !== undefined) return { address: given, release: () => Promise.resolve() };
  const own = running.get(part) ?? { stack: startStack({ [part]: true }), holders: 0 };
  running.set(part, own);
  own.holders++;
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    if (--own.holders > 0) return;
    running.delete(part);
    await (await own.stack).stop();
  };
  try {
    return { address: (await own.stack).addresses[key] as string, release };
  } catch (error) {
    running.delete(part);
    throw error;
  }
}

/** What the environment names; the test run's stack gives way to a server named on purpose. */
function givenAddresses(): StackAddresses {
  const stack = process.env['BLACKBOARD_TEST_STACK'];
  const brokers = process.env['KAFKA_BROKERS'];
  const registry = process.env['SCHEMA_REGISTRY_URL'];
  return {
    ...(stack ? (JSON.parse(stack) as StackAddresses) : {}),
    ...(brokers ? { bootstrap: brokers } : {}),
    ...(registry ? { registryUrl: registry } : {}),
  };
}
