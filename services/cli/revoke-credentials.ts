// Shuts a user of the broker out of a blackboard: whatever lists it has there, whoever gave them, and its passwords. The
// broker is asked, not the data: what the data does not name is what one wants rid of.

import type { ScramMechanism } from '../../infra/topics/scram-users.js';
import { BlackboardError } from '../runtime/errors.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';

export interface Access {
  /** Access lists, in words. */
  readonly acls: readonly string[];
  /** Mechanisms that it can log in by. */
  readonly passwords: readonly ScramMechanism[];
}

export interface Revoked extends Access {
  /** What could not be taken away, and why. */
  readonly failures: readonly BlackboardError[];
}

/** What there is to be taken away. @throws BlackboardError TOPOLOGY_DRIFT, KAFKA_UNAVAILABLE */
export async function accessOf(connection: KafkaConnection, user: string, prefix: string): Promise<Access> {
  const { grantsOfUser } = await import('../../infra/topics/acls.js');
  const { scramMechanismsOf } = await import('../../infra/topics/scram-users.js');
  return { acls: await grantsOfUser(connection, user, prefix), passwords: await scramMechanismsOf(connection, user) };
}

/** Its lists first, since they hold for connections that are open; its passwords also where the lists stay. Refusals (DENY) stay. */
export async function revokeCredentials(connection: KafkaConnection, user: string, prefix: string): Promise<Revoked> {
  const { removeGrantsOfUser } = await import('../../infra/topics/acls.js');
  const { removeScramUser } = await import('../../infra/topics/scram-users.js');
  const failures: BlackboardError[] = [];
  const taken = async <T>(what: string, work: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof BlackboardError)) throw error;
      failures.push(new BlackboardError(error.code, `${what} of ${user} may be in force still: ${error.message}`, error.details, { cause: error }));
      return [];
    }
  };
  const acls = await taken('access lists', removeGrantsOfUser(connection, user, prefix));
  const passwords = await taken('passwords', removeScramUser(connection, user));
  return { acls, passwords, failures };
}
