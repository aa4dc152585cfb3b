// The anomalies that Jepsen found in logs of Kafka's kind, looked for in a recorded history. Pure, and linear but for
// one sort: what clients sent, were told and were shown, and nothing of how a log works.
//
//   inconsistent-offsets  one offset holds two values            duplicate   one value at two offsets
//   lost-write   acknowledged, not read by anyone who read on    unseen      acknowledged, never read at all
//   G1a          what was refused is read                        unsent-read what nobody sent is read
//   poll-skip, nonmonotonic-poll   a reader leaves out what others read, or goes back: internal, within one delivery;
//                external, between two of them (in a group: unless it was told anew where to begin)
//   nonmonotonic-send   a later batch of one sender stands before an earlier one; internal, within one batch
//   G1c          information flows in a circle: each of some operations is seen or followed by the next

import { findCycles } from './find-cycles.js';
import type { Anomaly, AnomalyName, Operation, Place, Report, Value } from './history.js';

export interface AnomalyOptions {
  /** The log promises the order in which sends were called, also of those that are under way at once. */
  readonly inCallOrder?: boolean;
}

interface Reads {
  readonly values: Map<number, Value>;
  highest: number;
}

export function findAnomalies(history: readonly Operation[], { inCallOrder = false }: AnomalyOptions = {}): readonly Anomaly[] {
  const found: Anomaly[] = [];
  const report: Report = (name, place, what) => { found.push({ name, place, what }); };
  const book = new Book(report);
  for (const operation of history) book.add(operation);
  book.finish(history);
  checkPolls(history, book, report);
  checkSendOrder(history, inCallOrder, report);
  findCycles(history, book, report);
  return found;
}

/** How often each was found. */
export function countAnomalies(anomalies: readonly Anomaly[]): Readonly<Partial<Record<AnomalyName, number>>> {
  const counts: Partial<Record<AnomalyName, number>> = {};
  for (const { name } of anomalies) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Which value is at which offset, by all that anybody was told. */
export class Book {
  readonly places = new Map<Place, Reads>();
  /** Places and offsets of a value. */
  readonly #offsets = new Map<Value, { readonly place: Place; readonly offset: number }>();
  readonly #read = new Set<Value>();

  constructor(private readonly report: Report) {}

  add({ sends, polls }: Operation): void {
    for (const { place, values, outcome, offset } of sends) {
      if (outcome === 'ok') for (let index = 0; index < values.length; index += 1) this.#note(place, this.#of(place), offset + index, values[index] as Value);
    }
    for (const { place, offsets, values } of polls) {
      const reads = this.#of(place);
      for (let index = 0; index < offsets.length; index += 1) {
        const offset = offsets[index] as number;
        const value = values[index] as Value;
        this.#read.add(value);
        this.#note(place, reads, offset, value);
        if (offset > reads.highest) reads.highest = offset;
      }
    }
  }

  finish(history: readonly Operation[]): void {
    const sent = new Set<Value>();
    for (const { sends } of history) {
      for (const { place, values, outcome, offset } of sends) {
        values.forEach((value, index) => {
          sent.add(value);
          const isRead = this.#read.has(value);
          if (outcome === 'refused' && isRead) this.report('G1a', place, `${value} was refused, and is read at ${this.#offsets.get(value)?.offset}`);
          if (outcome !== 'ok' || isRead) return;
          if (this.#of(place).highest > offset + index) this.report('lost-write', place, `${value} was acknowledged at ${offset + index}; what follows is read, it is not`);
          else this.report('unseen', place, `${value} was acknowledged at ${offset + index}, and nobody ever read so far`);
        });
      }
    }
    for (const value of this.#read) if (!sent.has(value)) this.report('unsent-read', this.#offsets.get(value)?.place ?? '', `${value} is read, and nobody sent it`);
  }

  valueAt(place: Place, offset: number): Value | undefined {
    return this.places.get(place)?.values.get(offset);
  }

  offsetOf(value: Value): number | undefined {
    return this.#offsets.get(value)?.offset;
  }

  #note(place: Place, { values }: Reads, offset: number, value: Value): void {
    const held = values.get(offset);
    if (held === value) return;
    if (held === undefined) values.set(offset, value);
    else return this.report('inconsistent-offsets', place, `offset ${offset} holds ${held} and ${value}`);
    const known = this.#offsets.get(value);
    if (known === undefined) this.#offsets.set(value, { place, offset });
    else if (known.offset !== offset || known.place !== place) this.report('duplicate', place, `${value} is at ${known.place}/${known.offset} and at ${place}/${offset}`);
  }

  #of(place: Place): Reads {
    let reads = this.places.get(place);
    if (reads === undefined) this.places.set(place, reads = { values: new Map(), highest: -1 });
    return reads;
  }
}

/** Whether any value is known to be at an offset from `from` to below `until`: a gap in offsets alone skips nothing. */
function isAnyBetween(book: Book, place: Place, from: number, until: number): boolean {
  for (let offset = from; offset < until; offset += 1) if (book.valueAt(place, offset) !== undefined) return true;
  return false;
}

function checkPolls(history: readonly Operation[], book: Book, report: Report): void {
  const before = new Map<string, { readonly session: number; readonly next: number }>();
  for (const { process, polls } of history) {
    for (const { place, mode, session, startedAt, offsets } of polls) {
      const reader = `${process} ${place}`;
      const last = before.get(reader);
      let next = last !== undefined && (mode === 'assign' || last.session === session) ? last.next : startedAt;
      offsets.forEach((offset, index) => {
        const where = index === 0 ? 'external' : 'internal';
        if (next >= 0 && offset < next) report(`${where}-nonmonotonic-poll`, place, `${process} reads ${offset} after ${next - 1}`);
        else if (next >= 0 && offset > next && isAnyBetween(book, place, next, offset)) report(`${where}-poll-skip`, place, `${process} reads ${offset} where ${next} was due`);
        next = offset + 1;
      });
      before.set(reader, { session, next });
    }
  }
}

function checkSendOrder(history: readonly Operation[], inCallOrder: boolean, report: Report): void {
  const lanes = new Map<string, { readonly place: Place; readonly process: string; readonly beganAt: number; readonly endedAt: number; readonly first: number; readonly last: number }[]>();
  for (const { process, beganAt, endedAt, sends } of history) {
    for (const { place, outcome, offset, values } of sends) {
      if (outcome !== 'ok') continue;
      const lane = `${process} ${place}`;
      const done = { place, process, beganAt, endedAt, first: offset, last: offset + values.length - 1 };
      const others = lanes.get(lane);
      if (others === undefined) lanes.set(lane, [done]);
      else others.push(done);
    }
  }
  for (const lane of lanes.values()) {
    const byEnd = inCallOrder ? lane : [...lane].sort((a, b) => a.endedAt - b.endedAt);
    let ended = 0;
    let highest = -1;
    for (const [index, one] of lane.entries()) {
      for (; ended < byEnd.length && (inCallOrder ? ended < index : (byEnd[ended]?.endedAt ?? Infinity) < one.beganAt); ended += 1) highest = Math.max(highest, byEnd[ended]?.last ?? -1);
      if (one.first <= highest) report('external-nonmonotonic-send', one.place, `${one.process} was told ${one.first} after ${highest}`);
    }
  }
}
