// Records of a foreign topic to submissions, exactly once per record: the idempotency key is the record's place (or a
// business key), a source position is stored only after the append of everything before it was acknowledged, and an
// append whose outcome is unknown is made again under the same key; the gate refuses the second as a duplicate. That
// holds as long as the gate remembers the key: while the job is open and for a day after its end.

import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSubmitted } from '../../schemas/generated/events.js';
import type { TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { ForeignAvro } from '../runtime/codec/foreign-avro.js';
import { BlackboardError } from '../runtime/errors.js';
import type { Keyring } from '../runtime/keyring.js';
import type { Logger } from '../runtime/logger.js';
import type { ForeignRecord, ForeignSource } from '../runtime/log/foreign-source.js';
import { partitionFor } from '../runtime/log/partitioner.js';
import type { Appended, LogPort } from '../runtime/log/port.js';
import { noSeams, through, type Seams } from '../runtime/seams.js';
import { parseStrictJson } from '../runtime/strict-json.js';
import type { BridgeMap } from './bridge-map.js';
import { mapRecord, type RecordContent } from './map-record.js';

export interface BridgeOptions {
  readonly source: ForeignSource;
  readonly group: string;
  readonly map: BridgeMap;
  /** Null where the map says JSON. */
  readonly avro: ForeignAvro | null;
  readonly log: LogPort;
  readonly codec: EventCodec;
  /** With the key of the principal `bridge`. */
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  /** Of quarantine. */
  readonly partitions: number;
  readonly logger: Logger;
  readonly sessionTimeoutMs: number;
  readonly seams?: Seams;
  readonly nowMs?: () => number;
  /** How long one record's append or schema is tried before the bridge halts. Default 60,000. */
  readonly tryForMs?: number;
}

export interface BridgeCounts {
  /** Records whose submission was acknowledged by the log. */
  submitted: number;
  /** Records that broke the map: their submission is one that the gate refuses. */
  refused: number;
  /** Appends made again because the outcome of an earlier one was unknown or bad. */
  repeated: number;
}

export interface Bridge {
  readonly counts: Readonly<BridgeCounts>;
  /** Resolves with the error that stopped it; nothing that was not acknowledged is passed over. */
  readonly halted: Promise<Error>;
  close(): Promise<void>;
}

const retryable: ReadonlySet<string> = new Set(['APPEND_UNKNOWN', 'APPEND_REFUSED', 'REGISTRY_UNAVAILABLE', 'KAFKA_UNAVAILABLE']);

export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { map, logger } = options;
  const counts: BridgeCounts = { submitted: 0, refused: 0, repeated: 0 };
  const closing = new AbortController();
  let halt: (error: Error) => void = () => undefined;
  const halted = new Promise<Error>((resolve) => { halt = resolve; });
  const bridging = new Bridging(options, counts, closing.signal);
  const subscription = await through(options.seams ?? noSeams, 'bridge.join', () => options.source.consume({
    topic: map.source.topic, group: options.group, from: map.source.from, sessionTimeoutMs: options.sessionTimeoutMs,
    onBatch: (records) => bridging.take(records),
    onHalt: (error) => { if (!closing.signal.aborted) halt(error); },
    onStall: (place) => logger.warn({ topic: map.source.topic, ...place }, 'the source topic has records here, yet none is delivered: an open transaction of its writer, or offsets that compaction has emptied; see docs/upstream.md'),
    stored: (store) => through(options.seams ?? noSeams, 'bridge.commit-positions', store),
  }));
  logger.info({ topic: map.source.topic, group: options.group, format: map.source.format, tenant: map.tenant, workflow: map.workflow }, 'records become submissions');
  return {
    counts, halted,
    close: async () => {
      closing.abort();
      await subscription.close();
      logger.info({ ...counts }, 'the bridge has stopped');
    },
  };
}

class Bridging {
  readonly #signer: string;
  readonly #seams: Seams;
  readonly #nowMs: () => number;
  readonly #tryForMs: number;

  constructor(private readonly options: BridgeOptions, private readonly counts: BridgeCounts, private readonly closing: AbortSignal) {
    this.#signer = options.keyring.signerOf('bridge');
    this.#seams = options.seams ?? noSeams;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#tryForMs = options.tryForMs ?? 60_000;
  }

  /** Resolves when the submission of every record is acknowledged. */
  async take(records: readonly ForeignRecord[]): Promise<void> {
    // All at once, in order: what goes to one partition of quarantine shares its appends and keeps its order. Only an
    // append that is made again may come behind a later one; where both have one business key, the gate takes the first.
    const contents = await Promise.all(records.map((record) => this.#try(() => this.#read(record))));
    await Promise.all(records.map((record, index) => this.#submit(record, contents[index] as RecordContent)));
  }

  async #read({ value }: ForeignRecord): Promise<RecordContent> {
    if (value === null) return { ok: false, rule: 'tombstone', message: 'the record has no value' };
    return this.options.avro === null ? parseStrictJson(value) : this.options.avro.read(value);
  }

  async #submit(record: ForeignRecord, content: RecordContent): Promise<void> {
    const { map, topics, partitions, log, logger } = this.options;
    const { claim, problem } = mapRecord(record, content, map, { signer: this.#signer, nowMs: this.#nowMs() });
    const key = Buffer.from(claim.job);
    const partition = partitionFor(key, partitions);
    const value = this.#signed(claim);
    const { baseOffset } = await this.#try(() => through(this.#seams, 'bridge.append-submission', (): Promise<Appended> => log.append({ topic: topics.quarantine, partition, records: [{ key, value }] })));
    if (problem === null) {
      this.counts.submitted += 1;
      return;
    }
    this.counts.refused += 1;
    logger.warn({ source: claim.correlation, field: problem.field, rule: problem.rule, job: claim.job, partition, offset: baseOffset }, 'a record breaks the map: it is on quarantine as a submission that the gate refuses, and stays in its own topic');
  }

  #signed(claim: Omit<JobSubmitted, 'signature'>): Buffer {
    const { codec, keyring } = this.options;
    return codec.encodeSigned({ signature: Buffer.alloc(0), ...claim }, (fingerprint, body) => keyring.sign(this.#signer, fingerprint, body));
  }

  /** @throws the last error when it does not heal in time, or when the bridge closes. */
  async #try<T>(io: () => Promise<T>): Promise<T> {
    const until = this.#nowMs() + this.#tryForMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await io();
      } catch (error) {
        const heals = error instanceof BlackboardError && retryable.has(error.code);
        if (!heals || this.closing.aborted || this.#nowMs() >= until) throw error;
        this.counts.repeated += 1;
        this.options.logger.warn({ error, attempt }, 'trying again: the key is the same, so that it makes one job at most');
        await sleep(Math.min(100 * 2 ** attempt, 5_000) * (0.5 + Math.random()));
      }
    }
  }
}
