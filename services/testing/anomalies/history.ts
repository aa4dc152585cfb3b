// What clients of a log did and were told, in the order in which it began: all that the checks for anomalies see.

/** `topic/partition`. */
export type Place = string;
/** Names one record that was sent, wherever it may be: no two sends share one. */
export type Value = string | number;

export interface Sent {
  readonly place: Place;
  /** One batch, in order. */
  readonly values: readonly Value[];
  /** `unknown`: it may be in the log now, later or never. */
  readonly outcome: 'ok' | 'refused' | 'unknown';
  /** Of the first value, as it was answered; -1 where it was not. */
  readonly offset: number;
}

export interface Polled {
  readonly place: Place;
  /** `assign`: nobody but the member itself says what it reads. `subscribe`: a group does, and may say otherwise. */
  readonly mode: 'assign' | 'subscribe';
  /** Rises whenever the member was told anew where to begin: at a rebalance, or by seeking. */
  readonly session: number;
  /** Where that session was told to begin; -1: nobody knows. */
  readonly startedAt: number;
  readonly offsets: readonly number[];
  readonly values: readonly Value[];
}

/** What a process did in one go: mostly one batch sent or one delivery; one that answers what it read does both. */
export interface Operation {
  readonly process: string;
  /** Any clock that all operations share. `endedAt` Infinity: nobody heard how it ended. */
  readonly beganAt: number;
  readonly endedAt: number;
  readonly sends: readonly Sent[];
  readonly polls: readonly Polled[];
}

export type AnomalyName =
  | 'inconsistent-offsets' | 'duplicate' | 'lost-write' | 'unseen' | 'G1a' | 'unsent-read'
  | 'internal-poll-skip' | 'external-poll-skip' | 'internal-nonmonotonic-poll' | 'external-nonmonotonic-poll'
  | 'internal-nonmonotonic-send' | 'external-nonmonotonic-send' | 'G1c';

export interface Anomaly {
  readonly name: AnomalyName;
  readonly place: Place;
  /** The places and values concerned. */
  readonly what: string;
}

export type Report = (name: AnomalyName, place: Place, what: string) => void;
