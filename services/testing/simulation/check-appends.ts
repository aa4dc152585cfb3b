// The log against what its clients were told (I2), and each decision against the sends that carried it (R1).

import { shownRecord } from '../../verify/findings.js';
import type { LogRecord } from '../../runtime/log/port.js';
import { topics } from './blackboard-of-seed.js';
import type { AppendEntry, AppendHistory } from './append-history.js';
import type { FactAt } from './check-run.js';

type Add = (invariant: string, what: string, records?: readonly string[]) => void;

export function checkAppends(history: AppendHistory, { partition, facts, claims }: { readonly partition: number; readonly facts: readonly FactAt[]; readonly claims: readonly LogRecord[] }, add: Add): void {
  for (const [topic, records] of [[topics.quarantine, claims], [topics.verified, facts.map((at) => at.record)]] as const) {
    const entries = history.entries.filter(({ batch }) => batch.topic === topic && batch.partition === partition);
    const isTold = new Uint8Array(records.length);
    for (const entry of entries) if (entry.outcome === 'acknowledged') acknowledged(entry, records, isTold, add);
    whole(entries, records, isTold, add);
  }
  onePiece(history.entries.filter(({ batch }) => batch.topic === topics.verified && batch.partition === partition), facts, add);
}

/** Marks the records that somebody was told of: each stands where that one was told, with the bytes that were sent. */
function acknowledged({ batch, baseOffset, process }: AppendEntry, records: readonly LogRecord[], isTold: Uint8Array, add: Add): void {
  batch.records.forEach(({ value }, index) => {
    const record = records[baseOffset + index];
    if (record?.value.equals(value) === true) isTold[record.offset] = 1;
    else add('I2', `an append that ${process} was told of is not in the log`, [shownRecord({ ...batch, offset: baseOffset + index })]);
  });
}

/** Every other record comes from an append of unknown outcome, no more often than it was sent; refused ones are not there. */
function whole(entries: readonly AppendEntry[], records: readonly LogRecord[], isTold: Uint8Array, add: Add): void {
  const sent = new Map<string, number>();
  for (const { batch, outcome } of entries) {
    if (outcome === 'acknowledged' || outcome === 'refused') continue;
    for (const { value } of batch.records) {
      const key = value.toString('latin1');
      sent.set(key, (sent.get(key) ?? 0) + 1);
    }
  }
  for (const record of records) {
    if (isTold[record.offset] === 1) continue;
    const key = record.value.toString('latin1');
    const left = sent.get(key) ?? 0;
    if (left === 0) add('I2', 'a record is in the log that nobody sent, or that was refused', [shownRecord(record)]);
    else sent.set(key, left - 1);
  }
}

/** R1: the facts of one decision stand in one send. */
function onePiece(entries: readonly AppendEntry[], facts: readonly FactAt[], add: Add): void {
  for (const { outcome, baseOffset, batch } of entries) {
    if (outcome !== 'acknowledged') continue;
    const before = facts[baseOffset - 1];
    const first = facts[baseOffset];
    if (before !== undefined && first !== undefined && before.counts && first.counts && first.fact.cause >= 0 && before.fact.cause === first.fact.cause) {
      add('R1', `a decision is split over two sends`, [shownRecord(before.record, before.fact), shownRecord({ ...batch, offset: baseOffset }, first.fact)]);
    }
  }
}
