// What the clients of a simulated run did, with each record named by what is in the log: the records of a model are the
// same objects wherever they are delivered, so nothing needs to be compared but what no acknowledgement speaks of.

import type { LogRecord, RecordToAppend } from '../../runtime/log/port.js';
import type { AppendEntry, AppendHistory } from '../simulation/append-history.js';
import type { Operation, Polled, Value } from './history.js';
import { placeOf } from './recorded-log.js';

type Place = Pick<LogRecord, 'topic' | 'partition'>;

/** The operations that concern one place, whose records are `records`, and the reading of all of them at the end. */
export function simulatedHistory(history: AppendHistory, at: Place, records: readonly LogRecord[]): readonly Operation[] {
  const isHere = ({ topic, partition }: Place): boolean => topic === at.topic && partition === at.partition;
  const place = placeOf(at);
  const entries = history.entries.filter(({ batch }) => isHere(batch));
  const names = nameRecords(entries, records);
  const sends = entries.map((entry): Operation => ({
    process: entry.process, beganAt: entry.beganAtMs, endedAt: entry.outcome === 'acknowledged' && Number.isFinite(entry.answeredAtMs) ? entry.answeredAtMs : Infinity, polls: [],
    sends: [{ place, values: names.get(entry) as readonly Value[], outcome: entry.outcome === 'acknowledged' ? 'ok' : entry.outcome === 'refused' ? 'refused' : 'unknown', offset: entry.baseOffset }],
  }));
  const offsets = records.map(({ offset }) => offset);
  const poll = (process: string, polled: Omit<Polled, 'place'>): Operation => ({ process, beganAt: 0, endedAt: 0, sends: [], polls: [{ place, ...polled }] });
  const polls = history.deliveries.filter((delivery) => isHere(delivery.records[0] as LogRecord)).map(({ reader, session, startedAt, records: seen }) => {
    const own = seen.map(({ offset }) => offset);
    const isSame = seen.every((record) => records[record.offset] === record);
    return poll(reader, { mode: 'subscribe', session, startedAt, offsets: own, values: isSame ? own : seen.map((record) => (records[record.offset] === record ? record.offset : `another record delivered as ${record.offset}`)) });
  });
  return [...sends, ...polls, poll('reader of all', { mode: 'assign', session: 0, startedAt: 0, offsets, values: offsets })];
}

/** The records that each append became: their offset is their name; what is not there has a name of its own. */
function nameRecords(entries: readonly AppendEntry[], records: readonly LogRecord[]): ReadonlyMap<AppendEntry, readonly Value[]> {
  const names = new Map<AppendEntry, readonly Value[]>();
  const isNamed = new Uint8Array(records.length);
  let absent = 0;
  const take = (record: LogRecord | undefined): Value => {
    if (record === undefined || isNamed[record.offset] === 1) return `absent-${absent++}`;
    isNamed[record.offset] = 1;
    return record.offset;
  };
  for (const entry of entries) {
    if (entry.outcome !== 'acknowledged') continue;
    names.set(entry, entry.batch.records.map(({ value }, index) => {
      const record = records[entry.baseOffset + index];
      return take(record?.value.equals(value) === true ? record : undefined);
    }));
  }
  // The rest is in the log or not: what nobody was told of is told apart by its bytes, whole batches first, since two
  // markers of one owner are the same bytes. Refused ones come last.
  const rest = new Map<string, LogRecord[]>();
  for (const record of records) {
    if (isNamed[record.offset] === 1) continue;
    const key = record.value.toString('latin1');
    const same = rest.get(key);
    if (same === undefined) rest.set(key, [record]);
    else same.push(record);
  }
  const free = (value: Buffer): readonly LogRecord[] => (rest.size === 0 ? [] : rest.get(value.toString('latin1')) ?? []).filter(({ offset }) => isNamed[offset] === 0);
  const open = entries.filter(({ outcome }) => outcome !== 'acknowledged').sort((a, b) => Number(a.outcome === 'refused') - Number(b.outcome === 'refused') || b.batch.records.length - a.batch.records.length);
  for (const entry of open) {
    const sent = entry.batch.records;
    const whole = free((sent[sent.length - 1] as RecordToAppend).value).map(({ offset }) => records.slice(Math.max(0, offset + 1 - sent.length), offset + 1))
      .find((run) => run.length === sent.length && run.every((record, index) => isNamed[record.offset] === 0 && record.value.equals((sent[index] as RecordToAppend).value)));
    names.set(entry, sent.map(({ value }, index) => take(whole === undefined ? free(value)[0] : whole[index])));
  }
  return names;
}
