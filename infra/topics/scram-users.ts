// Users of the broker: made and looked up there, and tried by logging in. A password is a secret of whoever asks: it is
// salted here, so that it never travels, and no error or log line holds it.

import type { Broker } from 'kafkajs';
import { pbkdf2, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BlackboardError } from '../../services/runtime/errors.js';
import { ClusterLink } from '../../services/runtime/log/kafka/cluster-link.js';
import { openClient, type KafkaConnection, type RevealableSecret } from '../../services/runtime/log/kafka/kafka-client.js';
import { isRetriable, protocolType, rootCause } from '../../services/runtime/log/kafka/kafka-error.js';
import { alterScramUser, deleteScramUser, describeScramUser, type ScramMechanism } from '../../services/runtime/log/kafka/wire/scram-credentials.js';
import { onceShown } from './once-shown.js';

export type { ScramMechanism } from '../../services/runtime/log/kafka/wire/scram-credentials.js';

export interface ScramLogin {
  readonly username: string;
  readonly mechanism: ScramMechanism;
  readonly password: RevealableSecret;
}

/** `untold`: this listener does not authenticate by that mechanism, so nothing can be said of the password here. */
export type LoginVerdict = 'works' | 'refused' | 'untold';

/** Kafka takes 4,096 to 16,384; passwords that people did not choose need no more. */
const iterations = 8_192;
const saltBytes = 24;
const patienceMs = 20_000;
const digests: Readonly<Record<ScramMechanism, readonly [name: string, bytes: number]>> = { 'scram-sha-256': ['sha256', 32], 'scram-sha-512': ['sha512', 64] };
const hash = promisify(pbkdf2);

/** The mechanisms by which a user may log in; none: there is no such user. @throws BlackboardError KAFKA_UNAVAILABLE */
export async function scramMechanismsOf(connection: KafkaConnection, username: string): Promise<readonly ScramMechanism[]> {
  return await administer(connection, async (controller) => await describeScramUser(controller, username));
}

/**
 * Makes the user, or gives it another password for that mechanism; the one before is void.
 * @throws BlackboardError KAFKA_UNAVAILABLE, with the detail `mayBeInForce` where the broker did not say that it refused
 */
export async function setScramPassword(connection: KafkaConnection, { username, mechanism, password }: ScramLogin): Promise<void> {
  const [digest, bytes] = digests[mechanism];
  const salt = randomBytes(saltBytes);
  const saltedPassword = await hash(password.reveal(), salt, iterations, bytes, digest);
  let mayBeInForce = false;
  try {
    await administer(connection, async (controller) => {
      try {
        await alterScramUser(controller, { user: username, mechanism, iterations, salt, saltedPassword });
      } catch (error) {
        // Of any try: what came of one that was not answered, a refusal of the next does not say.
        mayBeInForce ||= protocolType(error) === undefined || isRetriable(error);
        throw error;
      }
    });
  } catch (error) {
    if (error instanceof BlackboardError) throw new BlackboardError(error.code, error.message, { ...error.details, mayBeInForce }, { cause: error });
    throw error;
  }
}

/**
 * Takes a user's passwords away, but that of the mechanism `kept`; connections that are open stay. Returns the mechanisms
 * they were of.
 * @throws BlackboardError KAFKA_UNAVAILABLE
 */
export async function removeScramUser(connection: KafkaConnection, username: string, kept?: ScramMechanism): Promise<readonly ScramMechanism[]> {
  // Over all tries: what one of them took away without hearing of it, the next does not find.
  const asked = new Set<ScramMechanism>();
  await administer(connection, async (controller) => {
    const found = (await describeScramUser(controller, username)).filter((mechanism) => mechanism !== kept);
    for (const mechanism of found) {
      asked.add(mechanism);
      await deleteScramUser(controller, username, mechanism);
    }
    // Who looks next must not find what was taken away.
    await onceShown(() => describeScramUser(controller, username), (left) => !left.some((mechanism) => asked.has(mechanism)));
  });
  return [...asked];
}

/** Logs in once. @throws BlackboardError KAFKA_UNAVAILABLE when it is not the login that failed */
export async function tryLogin(connection: KafkaConnection, login: ScramLogin): Promise<LoginVerdict> {
  const client = openClient({ ...connection, sasl: login }, 0);
  const admin = client.kafka.admin({ retry: { retries: 0 } });
  try {
    await admin.connect();
    return 'works';
  } catch (error) {
    const root = rootCause(error);
    // ILLEGAL_SASL_STATE: the listener asks nobody who they are.
    if (root.type === 'ILLEGAL_SASL_STATE' || root.type === 'UNSUPPORTED_SASL_MECHANISM' || /mechanism is not supported|supports? only/i.test(root.message)) return 'untold';
    if (root.name === 'KafkaJSSASLAuthenticationError' || root.type === 'SASL_AUTHENTICATION_FAILED') return 'refused';
    throw unavailable(connection, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
    client.destroySockets();
  }
}

/** Until the broker that answers has heard of a password that was just set. @throws BlackboardError KAFKA_UNAVAILABLE */
export async function whenLoginWorks(connection: KafkaConnection, login: ScramLogin): Promise<LoginVerdict> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const verdict = await tryLogin(connection, login);
    if (verdict !== 'refused' || performance.now() > deadlineMs) return verdict;
    await sleep(50);
  }
}

/**
 * Whether a broker opens what no access list names (allow.everyone.if.no.acl.found): asked as somebody whose lists are
 * known, of a group that nobody has.
 */
export async function opensUnlisted(connection: KafkaConnection, login: ScramLogin): Promise<boolean> {
  const client = openClient({ ...connection, sasl: login }, 1);
  const admin = client.kafka.admin({ retry: { retries: 1 } });
  try {
    await admin.connect();
    await admin.describeGroups([`nobody-${randomBytes(8).toString('hex')}`]);
    return true;
  } catch (error) {
    // kafkajs hides the reason when the group's coordinator is refused; a login that works and this failing say it.
    if (/AUTHORIZATION_FAILED/.test(rootCause(error).type ?? '') || rootCause(error).name === 'KafkaJSGroupCoordinatorNotFound') return false;
    throw unavailable(connection, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
    client.destroySockets();
  }
}

async function administer<T>(connection: KafkaConnection, work: (controller: Broker) => Promise<T>): Promise<T> {
  const link = new ClusterLink(connection);
  try {
    return await link.run(async (cluster) => {
      await cluster.refreshMetadata();
      return await work(await cluster.findControllerBroker());
    }, patienceMs);
  } catch (error) {
    throw unavailable(connection, error);
  } finally {
    link.close();
  }
}

function unavailable(connection: KafkaConnection, error: unknown): BlackboardError {
  const root = rootCause(error);
  return new BlackboardError(
    'KAFKA_UNAVAILABLE',
    `Kafka at ${connection.brokers.join(', ')} did not do what was asked of its users (${root.type ?? root.name}: ${root.message}); check that it runs and that ${connection.sasl?.username ?? 'this client'} may administer it`,
    { brokers: connection.brokers, reason: root.type ?? root.name },
    { cause: error },
  );
}
