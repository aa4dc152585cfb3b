import { countAnomalies, findAnomalies } from './find-anomalies.js';
import type { Anomaly, Operation } from './history.js';

export interface AnomalyReport {
  readonly sends: number;
  readonly ok: number;
  readonly refused: number;
  readonly unknown: number;
  readonly polls: number;
  /** Of them, to members of a group. */
  readonly toMembers: number;
  readonly sessions: number;
  readonly anomalies: readonly Anomaly[];
}

/** What clients did, and which anomalies are in it. */
export function anomalyReport(operations: readonly Operation[]): AnomalyReport {
  const sends = operations.flatMap((operation) => operation.sends);
  const polls = operations.flatMap(({ process, polls: own }) => own.map((poll) => ({ process, poll })));
  const count = (outcome: string): number => sends.filter((send) => send.outcome === outcome).length;
  return {
    sends: sends.length, ok: count('ok'), refused: count('refused'), unknown: count('unknown'), polls: polls.length, toMembers: polls.filter(({ poll }) => poll.mode === 'subscribe').length,
    sessions: new Set(polls.map(({ process, poll }) => `${process} ${poll.place} ${poll.session}`)).size,
    // Every adapter promises the order of calls.
    anomalies: findAnomalies(operations, { inCallOrder: true }),
  };
}

export function anomalyText({ sends, ok, refused, unknown, polls, toMembers, sessions, anomalies }: AnomalyReport): string {
  const counts = Object.entries(countAnomalies(anomalies)).map(([name, count]) => `${name} ×${count}`);
  return [
    `${sends} sends (${ok} acknowledged, ${refused} refused, ${unknown} unknown), ${polls} deliveries (${toMembers} to members of a group) in ${sessions} sessions: ${counts.length === 0 ? 'no anomaly' : counts.join(', ')}`,
    ...anomalies.slice(0, 10).map(({ name, place, what }) => `  ${name} ${place}: ${what}`),
  ].join('\n');
}
