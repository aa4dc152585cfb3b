import type { Logger } from 'pino';
import type { Contract } from '../blackboard/contract.js';
import type { Policy } from '../blackboard/policy.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Learn } from '../runtime/codec/learn-schemas.js';
import type { Keyring } from '../runtime/keyring.js';
import type { LogPort } from '../runtime/log/port.js';
import type { Seams } from '../runtime/seams.js';
import type { Restored } from './restore.js';
import type { SnapshotSource } from './snapshot-source.js';

/** All that an owner does to the world, injected. */
export interface OwnerEffects {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly keyring: Keyring;
  readonly contracts: ReadonlyMap<string, Contract>;
  /** What this deployment wants in force; it reaches a partition with the next checkpoint. */
  readonly policy: Policy;
  readonly partitions: number;
  /** Names this process in markers. */
  readonly instance: string;
  readonly logger: Logger;
  readonly seams: Seams;
  /** 0 up to 1; jitter only. */
  random(): number;
  sleep(ms: number): Promise<void>;
  /** A clock that never steps, in ms; a hint for when to let time move, never an input of a decision. */
  monotonicMs(): number;
  setTimer(ms: number, fire: () => void): () => void;
  /** Absent where there is no registry. */
  readonly learn?: Learn | undefined;
  /** Decisions after which marker and checkpoint are renewed. Default 10,000. */
  readonly renewAfterRecords?: number;
  /** Spares a restore most of its reading; absent: none. */
  readonly snapshots?: SnapshotSource;
  /** A state as it was read back, before anything is decided on it. Only look. */
  readonly onRestored?: (restored: Restored) => void;
  onHalt(partition: number, error: Error): void;
  readonly onDecided?: (partition: number, records: number) => void;
}
