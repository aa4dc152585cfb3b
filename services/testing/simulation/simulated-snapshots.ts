// Snapshots of a run (R10), taken and read by the production code, in a store that befalls everything that may befall a
// cache. In a third of the seeds, and with dice of its own: all others play as they would without.

import { createHash } from 'node:crypto';
import type { TopicName } from '../../../topics/topics.js';
import type { Restored } from '../../orchestrator/restore.js';
import { freeze, Thaw } from '../../orchestrator/freeze.js';
import { snapshotText } from '../../orchestrator/load-snapshot.js';
import { stateHash } from '../../orchestrator/state-hash.js';
import type { Keyring } from '../../runtime/keyring.js';
import type { Logger } from '../../runtime/logger.js';
import { snapshotPrincipal, type SnapshotHeader, type SnapshotName, type SnapshotStore, type WantedSnapshot } from '../../runtime/snapshot-store.js';
import { takeSnapshot } from '../../snapshots/take-snapshot.js';
import { codec, topics } from './blackboard-of-seed.js';
import { Dice } from './dice.js';
import type { World } from './world.js';

/** A partition gets a snapshot when so many records have come since the last one. */
const everyRecords = 40;
/** How often, and what each must lead to: the log is read instead, and the state is the same. */
const chances = { away: 0.05, silent: 0.04, missing: 0.05, old: 0.2, forged: 0.08, partLost: 0.04, torn: 0.06, otherVersion: 0.05, otherLog: 0.1, otherParts: 0.1 } as const;
/** A log of the same name that was there before, or is somewhere else, did the same work at another time. */
const otherLogMs = 3_600_000;

/** What an owner held right after it had taken a partition. */
export interface SeenRestore {
  readonly partition: number;
  readonly epoch: number;
  readonly base: Restored['base'];
  readonly hash: string;
}

export function hasSnapshots(seed: number): boolean {
  return seed % 3 === 2;
}

interface Row {
  readonly header: SnapshotHeader;
  readonly parts: readonly Buffer[];
}

export class SimulatedSnapshots implements SnapshotStore {
  readonly #dice: Dice;
  readonly #rows: Row[] = [];
  readonly #taken = new Map<number, number>();
  #isTaking = false;
  readonly restores: SeenRestore[] = [];
  /** How often each fault struck. */
  readonly faults = new Map<string, number>();

  constructor(seed: number, private readonly keyring: Keyring) {
    this.#dice = new Dice(seed * 7 + 1);
  }

  noteRestored({ state, base }: Restored): void {
    this.restores.push({ partition: state.partition, epoch: state.epoch, base, hash: stateHash(state) });
  }

  /** Takes at most one, now: reading the log in memory waits for nothing. */
  take({ store, partitions, scenario }: Pick<World, 'store' | 'partitions' | 'scenario'>, logger: Logger): void {
    const due = Array.from({ length: partitions }, (_, partition) => store.range(topics.verified, partition)).find(({ partition, next }) => next >= (this.#taken.get(partition) ?? 0) + everyRecords);
    if (due === undefined || this.#isTaking) return;
    this.#taken.set(due.partition, due.next);
    this.#isTaking = true;
    takeSnapshot(due, { log: store.open(), codec, keyring: scenario.keyring, store: this, topic: topics.verified, logger, breathe: () => Promise.resolve() })
      .catch(() => undefined).finally(() => { this.#isTaking = false; });
  }

  newest({ topic, partition, version, after, upTo }: WantedSnapshot): Promise<SnapshotHeader | null> {
    if (this.#strikes('away')) return Promise.reject(new Error('the store of snapshots is away'));
    if (!this.#isTaking && this.#strikes('silent')) return new Promise(() => undefined);
    const fitting = this.#rows.map(({ header }) => header)
      .filter((header) => header.topic === topic && header.partition === partition && header.version === version && header.position.offset > after && header.position.offset <= upTo)
      .sort((a, b) => b.position.offset - a.position.offset);
    const newest = fitting[0];
    if (newest === undefined || this.#strikes('missing')) return Promise.resolve(null);
    const header = fitting.length > 1 && this.#strikes('old') ? fitting[fitting.length - 1] as SnapshotHeader : newest;
    return Promise.resolve(this.#strikes('forged') ? this.#forged(header) : header);
  }

  all(topic: TopicName, partition: number): Promise<readonly SnapshotHeader[]> {
    return Promise.resolve(this.#rows.map(({ header }) => header).filter((header) => header.topic === topic && header.partition === partition));
  }

  parts(name: SnapshotName, from: number, until: number): Promise<readonly Buffer[]> {
    const parts = this.#rows.find(({ header }) => isSame(header, name))?.parts.slice(from, until) ?? [];
    if (parts.length > 0 && this.#strikes('partLost')) return Promise.resolve(parts.slice(1));
    return Promise.resolve(parts.map((part) => (this.#strikes('torn') ? this.#torn(part) : part)));
  }

  add(header: SnapshotHeader, parts: readonly Buffer[]): Promise<void> {
    const stored = this.#strikes('otherVersion') ? { ...header, version: '0000000000000000' } : header;
    if (!this.#rows.some((row) => isSame(row.header, stored))) this.#rows.push(this.#befallen({ header: stored, parts: parts.map((part) => Buffer.from(part)) }));
    return Promise.resolve();
  }

  remove(name: SnapshotName): Promise<void> {
    const at = this.#rows.findIndex(({ header }) => isSame(header, name));
    if (at >= 0) this.#rows.splice(at, 1);
    return Promise.resolve();
  }

  /** A store that two logs of one name share: the other one's lies there already, or its parts came to lie under this header. */
  #befallen(row: Row): Row {
    if (this.#strikes('otherLog')) return ofOtherLog(row, this.keyring);
    if (this.#strikes('otherParts')) return { header: row.header, parts: ofOtherLog(row, this.keyring).parts };
    return row;
  }

  #strikes(fault: keyof typeof chances): boolean {
    if (!this.#dice.chance(chances[fault])) return false;
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    return true;
  }

  #torn(part: Buffer): Buffer {
    const torn = Buffer.from(part);
    const at = this.#dice.between(0, torn.length - 1);
    torn[at] = (torn[at] as number) ^ (1 << this.#dice.between(0, 7));
    return torn;
  }

  /** Says that it stands somewhere else than it does, as nobody who holds the key would. */
  #forged(header: SnapshotHeader): SnapshotHeader {
    const { position, cursor } = header;
    return this.#dice.chance(0.5) ? { ...header, position: { ...position, epoch: position.epoch - 1 } } : { ...header, cursor: cursor + 1 };
  }
}

/** Signed by who may, and of the same name and shape. */
function ofOtherLog({ header: { signature: _, ...ours }, parts: own }: Row, keyring: Keyring): Row {
  const thaw = new Thaw();
  for (const part of own) thaw.add(part);
  const state = thaw.finish();
  state.timeMs += otherLogMs;
  const parts = [...freeze(state)];
  const digestOf = (of: readonly (Buffer | string)[]): string => of.reduce((digest, one) => digest.update(one), createHash('sha256')).digest('hex');
  const header = { ...ours, position: { ...ours.position, digest: digestOf([ours.position.digest]) }, parts: parts.length, bytes: parts.reduce((sum, { length }) => sum + length, 0), partsDigest: digestOf(parts) };
  return { parts, header: { ...header, signature: keyring.sign(keyring.signerOf(snapshotPrincipal), snapshotText(header)) } };
}

function isSame(a: SnapshotName, b: SnapshotName): boolean {
  return a.topic === b.topic && a.partition === b.partition && a.position.offset === b.position.offset && a.version === b.version;
}
