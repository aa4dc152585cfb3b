// A log that writes down what its client does and is told: every append as it begins and ends, every delivery to a
// member with where it was told to begin. Records name themselves by their value.

import { BlackboardError } from '../../runtime/errors.js';
import type { AppendBatch, Appended, LogPort, LogRecord, Member, Membership } from '../../runtime/log/port.js';
import type { TopicName } from '../../../topics/topics.js';
import { StartWatch } from './start-watch.js';
import type { Operation, Place, Polled, Sent, Value } from './history.js';

/** Microseconds of the machine's monotonic clock: the same in all of its processes. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** An operation while it is under way. */
export interface Recorded extends Operation {
  /** Unique within the process. */
  readonly id: number;
  endedAt: number;
  sends: readonly Sent[];
}

export class OperationRecorder {
  readonly operations: Recorded[] = [];
  #ids = 0;
  #memberships = 0;

  /** @param told hears of each operation when it begins, and again when it ends. */
  constructor(readonly process: string, private readonly told: (operation: Recorded) => void = () => undefined) {}

  begin(did: Partial<Pick<Operation, 'sends' | 'polls'>>): Recorded {
    const operation = { id: this.#ids++, process: this.process, beganAt: nowUs(), endedAt: Infinity, sends: [], polls: [], ...did };
    this.operations.push(operation);
    this.told(operation);
    return operation;
  }

  end(operation: Recorded, sends: readonly Sent[] = operation.sends): void {
    operation.sends = sends;
    operation.endedAt = nowUs();
    this.told(operation);
  }

  polled(records: readonly LogRecord[], of: Pick<Polled, 'mode' | 'session' | 'startedAt'>): void {
    const place = placeOf(records[0] as LogRecord);
    const operation = this.begin({ polls: [{ place, ...of, offsets: records.map(({ offset }) => offset), values: records.map(valueOf) }] });
    operation.endedAt = operation.beganAt;
  }

  nextMembership(): number {
    return this.#memberships++;
  }
}

export function placeOf({ topic, partition }: Pick<LogRecord, 'topic' | 'partition'>): Place {
  return `${topic}/${partition}`;
}

export function valueOf({ value }: Pick<LogRecord, 'value'>): Value {
  return value.toString('latin1').trimEnd();
}

/** `log` with everything written down. Reads without a group are not: `readToEnd` does that where it is wanted. */
export function recordedLog(log: LogPort, recorder: OperationRecorder): LogPort {
  return {
    append: (batch) => append(log, recorder, batch),
    join: (membership) => join(log, recorder, membership),
    read: (options) => log.read(options),
    ranges: (topic) => log.ranges(topic),
    close: () => log.close(),
  };
}

async function append(log: LogPort, recorder: OperationRecorder, batch: AppendBatch): Promise<Appended> {
  const sent: Sent = { place: placeOf(batch), values: batch.records.map(valueOf), outcome: 'unknown', offset: -1 };
  const operation = recorder.begin({ sends: [sent] });
  try {
    const appended = await log.append(batch);
    recorder.end(operation, [{ ...sent, outcome: 'ok', offset: appended.baseOffset }]);
    return appended;
  } catch (error) {
    const isRefused = error instanceof BlackboardError && (error.code === 'APPEND_REFUSED' || error.code === 'APPEND_TOO_LARGE');
    recorder.end(operation, [{ ...sent, outcome: isRefused ? 'refused' : 'unknown' }]);
    throw error;
  }
}

function join(log: LogPort, recorder: OperationRecorder, membership: Membership): Promise<Member> {
  const starts = new StartWatch(recorder.process);
  const joined = recorder.nextMembership();
  return log.join({
    ...membership,
    onAssigned: (assignment, member) => {
      starts.watch(member);
      membership.onAssigned(assignment, member);
    },
    onBatch: (records) => {
      const { session, startedAt } = starts.of(records[0] as LogRecord);
      recorder.polled(records, { mode: 'subscribe', session: session < 0 ? -1 - joined : joined * sessionsMax + session, startedAt });
      membership.onBatch(records);
    },
  });
}

/** Of one membership; those of the next begin above. */
const sessionsMax = 1e6;

/** Reads on without a group, from `from` to the end as it is now; answers where it got to, also when it was cut off. */
export async function readToEnd(log: Pick<LogPort, 'read'>, recorder: OperationRecorder, at: { readonly topic: TopicName; readonly partition: number; readonly from: number }): Promise<{ readonly next: number; readonly error: unknown }> {
  let next = at.from;
  try {
    for await (const records of log.read(at)) {
      recorder.polled(records, { mode: 'assign', session: 0, startedAt: 0 });
      next = (records[records.length - 1] as LogRecord).offset + 1;
    }
    return { next, error: null };
  } catch (error) {
    return { next, error };
  }
}
