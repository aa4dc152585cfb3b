import type { HostileReport } from './run-hostile.js';

/** The report as text: kinds, phases, what holds and what does not. */
export function hostileText(report: HostileReport): string {
  const { account, phases, verify } = report;
  const width = Math.max(...account.rows.map(({ kind }) => kind.length));
  const rows = account.rows.map(({ kind, sent, answers }) => `${kind.padEnd(width)}  ${String(sent).padStart(6)}  ${Object.entries(answers).sort((a, b) => b[1] - a[1]).map(([answer, count]) => `${answer} ×${count}`).join(', ')}`);
  const timed = phases.map(({ isHostile, jobs, p50Ms, p99Ms }) => `${isHostile ? 'hostile' : 'calm   '}  ${String(jobs).padStart(6)} honest jobs  p50 ${p50Ms} ms  p99 ${p99Ms} ms`);
  return [
    `${'KIND'.padEnd(width)}    SENT  ANSWERS`, ...rows, '',
    ...timed, '',
    `${account.refused} refused, ${account.deadLettered} dead letters, ${account.atTheDoor} refused by the log, ${account.accepted} accepted, at ${report.achievedPerSecond} a second; seed ${report.options.seed}`,
    `honest jobs: ${account.honestEnded} ended with their own result; p99 ${report.p99Ratio.toFixed(2)} and p50 ${report.p50Ratio.toFixed(2)} of a calm run (median of ${report.options.strikes})`,
    `blackboard verify: ${verify.ok ? 'all that was checked holds' : verify.failed.join('; ')} (${verify.figures.claims} claims, ${verify.figures.facts} facts, ${verify.figures.rows} rows)`,
    `views that act on a terminal: ${report.viewsThatAct.length === 0 ? 'none' : report.viewsThatAct.join('; ')}`,
    ...(report.unsentKinds.length === 0 ? [] : [`kinds that were never sent: ${report.unsentKinds.join(', ')}`]),
    ...(report.heldBack === 0 ? [] : [`${report.heldBack} honest submissions were held back: this machine did not keep up, and the latencies are of an overload`]),
    ...(report.unknownAppends === 0 ? [] : [`${report.unknownAppends} appends of unknown outcome`]),
    ...account.problems.map((problem) => `PROBLEM ${problem}`),
    ...(account.problemCount > account.problems.length ? [`… and ${account.problemCount - account.problems.length} more`] : []),
    report.ok ? 'every hostile record has exactly its one right answer' : 'NOT as it must be', '',
  ].join('\n');
}
