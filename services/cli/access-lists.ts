// What `--acls` adds to `topics apply` and `topics check`: the broker's access lists beside its topics.

import { z } from 'zod';
import type { AclDrift, AclScope } from '../../infra/topics/acl-drift.js';
import type { AclRow, BrokerPrincipal } from '../../infra/topics/acls.js';
import { loadPolicy } from '../../workflows/policy.js';
import { principalsVariable } from '../../workflows/principals-variable.js';
import { readConfig } from '../runtime/config.js';
import { counted } from '../runtime/counted.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';
import { CliError } from './exit-codes.js';
import { foreign, type Terminal } from './terminal.js';

export interface AclOptions {
  readonly acls?: boolean;
  readonly userPrefix: string;
  readonly administrator: readonly string[];
}

/** @throws CliError usage */
export function readUserPrefix(text: string): string {
  if (!/^[A-Za-z0-9._-]{0,64}$/.test(text)) throw new CliError('usage', '--user-prefix is up to 64 letters, digits, dots, dashes and underscores');
  return text;
}

/** All users of this blackboard: the principals that ship and those of BLACKBOARD_PRINCIPALS. @throws BlackboardError CONFIG_INVALID */
export async function principalsFromEnvironment(env: NodeJS.ProcessEnv, userPrefix: string): Promise<readonly BrokerPrincipal[]> {
  const { BLACKBOARD_PRINCIPALS: principalsFile } = readConfig(z.object({ BLACKBOARD_PRINCIPALS: principalsVariable }), env);
  const { brokerPrincipals } = await import('../../infra/topics/broker-principals.js');
  return brokerPrincipals(loadPolicy({ principalsFile }).principals, userPrefix);
}

export interface AclChange {
  readonly created: readonly AclRow[];
  /** Rows that were there before. */
  readonly unchanged: number;
  readonly surplus: readonly string[];
}

/** Creates what is missing, and takes nothing away. @throws BlackboardError TOPOLOGY_DRIFT, KAFKA_UNAVAILABLE */
export async function createMissing(connection: KafkaConnection, rows: readonly AclRow[], scope: AclScope): Promise<AclChange> {
  const { applyAcls, checkAcls } = await import('../../infra/topics/acls.js');
  const { missing, surplus } = await checkAcls(connection, rows, scope);
  await applyAcls(connection, missing);
  return { created: missing, unchanged: rows.length - missing.length, surplus };
}

export function changeText({ created, unchanged }: AclChange, { colors }: Terminal): string {
  const lines = created.map((row) => `${colors.green('created')}  ${rowText(row)}\n`).join('');
  return `${lines}${counted(created.length, 'access list')} created, ${unchanged} there before\n`;
}

export function driftText({ missing, surplus }: AclDrift, { colors }: Terminal): string {
  if (missing.length + surplus.length === 0) return 'the access lists match the topology\n';
  return [
    ...missing.map((row) => `${colors.yellow('missing')}  ${rowText(row)}\n`),
    ...surplus.map((text) => `${colors.red('surplus')}  ${foreign(text)}\n`),
  ].join('');
}

/** What to do about the drift; empty where there is none. */
export function driftHint({ missing, surplus }: AclDrift, env: NodeJS.ProcessEnv): string {
  return [
    ...(missing.length === 0 ? [] : ['make what is missing with "blackboard topics apply --acls"\n']),
    ...(surplus.length === 0 ? [] : [surplusHint(env)]),
  ].join('');
}

/** Nothing is taken away here: it may be somebody's, who would find out at night. */
export function surplusHint({ BLACKBOARD_PRINCIPALS: principalsFile = '' }: NodeJS.ProcessEnv): string {
  const what = 'what is surplus opens this blackboard to others, or shuts it to its own: take all that a user has here away with "blackboard credentials revoke User:NAME", one entry or a DENY with kafka-acls.sh --remove, or name its user in BLACKBOARD_PRINCIPALS or by --administrator\n';
  return principalsFile === '' ? `${what}BLACKBOARD_PRINCIPALS was not set: principals of your own count as surplus\n` : what;
}

function rowText({ principal, operation, resource, pattern, name }: AclRow): string {
  return foreign(`${principal} may ${operation} ${resource} ${name}${pattern === 'prefixed' ? '…' : ''}`);
}
