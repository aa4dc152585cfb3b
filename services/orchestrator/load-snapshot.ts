// Reads a snapshot and believes nothing of it that cannot be checked: the signature covers header and parts, and the
// log must hold, right before its position, the record that it was folded up to. Whatever does not hold, it is a
// cache that missed.

import { createHash, type Hash } from 'node:crypto';
import type { PartitionState } from '../blackboard/board.js';
import { canonicalJson } from '../blackboard/ids.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Learn } from '../runtime/codec/learn-schemas.js';
import { principalOf, type Keyring } from '../runtime/keyring.js';
import { peekLearning } from '../runtime/log/peek-learning.js';
import type { LogPort } from '../runtime/log/port.js';
import { snapshotPrincipal, type SnapshotHeader, type SnapshotStore, type WantedSnapshot } from '../runtime/snapshot-store.js';
import { Thaw } from './freeze.js';

export interface LoadedSnapshot {
  readonly header: SnapshotHeader;
  readonly state: PartitionState;
}

/** Why a snapshot that is there is not used. */
export type SnapshotFlaw = 'signature' | 'parts' | 'log' | 'state';

export interface FlawedSnapshot {
  readonly header: SnapshotHeader;
  readonly flaw: SnapshotFlaw;
}

export interface LoadOptions {
  readonly store: Pick<SnapshotStore, 'newest' | 'parts'>;
  readonly log: Pick<LogPort, 'read'>;
  readonly codec: EventCodec;
  readonly keyring: Pick<Keyring, 'verify'>;
  /** Teaches the codec a schema id that it does not know: the digest of a record depends on it. */
  readonly learn?: Learn | undefined;
  /** Between two parts, so that others get their turn. */
  readonly breathe?: () => Promise<void>;
}

const partsAtOnce = 8;

/** The newest one that is wanted, or why it cannot be used; null: there is none. @throws what store and log throw. */
export async function loadSnapshot(wanted: WantedSnapshot, options: LoadOptions): Promise<LoadedSnapshot | FlawedSnapshot | null> {
  const header = await options.store.newest(wanted);
  return header === null ? null : loadHeader(header, options);
}

/** The same for a header at hand. */
export async function loadHeader(header: SnapshotHeader, options: LoadOptions): Promise<LoadedSnapshot | FlawedSnapshot> {
  if (principalOf(header.signer) !== snapshotPrincipal || !options.keyring.verify(header.signer, header.signature, snapshotText(header))) return { header, flaw: 'signature' };
  if (!(await isInLog(header, options))) return { header, flaw: 'log' };
  const thaw = new Thaw();
  const digest = createHash('sha256');
  for (let from = 0; from < header.parts; from += partsAtOnce) {
    const until = Math.min(header.parts, from + partsAtOnce);
    const parts = await options.store.parts(header, from, until);
    if (parts.length !== until - from) return { header, flaw: 'parts' };
    for (const part of parts) {
      if (!added(thaw, part, digest)) return { header, flaw: 'parts' };
      await options.breathe?.();
    }
  }
  if (digest.digest('hex') !== header.partsDigest) return { header, flaw: 'parts' };
  const state = thaw.finish();
  const isSame = state.partition === header.partition && state.epoch === header.position.epoch && state.cursor === header.cursor && state.jobs.size === header.openJobs;
  return isSame ? { header, state } : { header, flaw: 'state' };
}

function added(thaw: Thaw, part: Buffer, digest: Hash): boolean {
  digest.update(part);
  try {
    thaw.add(part);
    return true;
  } catch {
    // Torn bytes make the codec throw anything; the digest would have said so at the end.
    return false;
  }
}

/** What a snapshot's signature covers. */
export function snapshotText(header: Omit<SnapshotHeader, 'signature'>): Buffer {
  const { topic, partition, position, version, cursor, restoreFrom, openJobs, parts, bytes, partsDigest, signer } = header;
  return Buffer.from(`blackboard snapshot ${canonicalJson({ topic, partition, position, version, cursor, restoreFrom, openJobs, parts, bytes, partsDigest, signer })}`);
}

/** False as well when retention has removed that record: then the log cannot vouch for it. */
async function isInLog({ topic, partition, position }: SnapshotHeader, { log, codec, learn }: LoadOptions): Promise<boolean> {
  try {
    for await (const [record] of log.read({ topic, partition, from: position.offset - 1, until: position.offset })) {
      if (record === undefined || record.offset !== position.offset - 1) return false;
      await peekLearning(record, codec, learn);
      return codec.digestHex(record.value) === position.digest;
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'LOG_OUT_OF_RANGE') throw error;
  }
  return false;
}
