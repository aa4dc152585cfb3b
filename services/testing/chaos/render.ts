import type { ChaosReport } from './report.js';

const shownMax = 20;
const ms = (value: number | null): string => (value === null ? '–' : `${(value / 1000).toFixed(1)} s`);

/** The report for people: faults, jobs, recovery, what was repeated, what ended by itself, and the invariants. */
export function chaosText(report: ChaosReport): string {
  const { faults, recovery, history, runs, verify, exits, outcomes } = report;
  const lines = [
    `chaos: seed ${report.seed}, broker ${report.kafkaVersion}, ${report.storms} storms, ${(report.elapsedMs.run / 1000).toFixed(0)} s under load and drained (started in ${(report.elapsedMs.start / 1000).toFixed(0)} s); load average ${report.load.map((each) => each.toFixed(1)).join(' ')}`,
    '', 'fault              number class    struck  effects  what shows it',
    ...faults.map(({ name, number, outcome, struck, effects, shows }) => `${name.padEnd(18)} ${number.padEnd(6)} ${outcome.padEnd(8)} ${String(struck).padStart(6)}  ${String(effects).padStart(7)}  ${shows}`),
    '', `jobs      ${entries(outcomes)}; from acceptance to the end p50 ${ms(report.latencyMs.p50)}, p99 ${ms(report.latencyMs.p99)}`,
    `client    ${history.submitted} submissions: ${history.acked} acknowledged, ${history.refused} refused; ${history.answers503} answers were 503, ${history.metSilence} submissions met no answer at least once`,
    `log       ${report.facts} facts (${report.stale} stale) in ${report.epochs} epochs; ${report.claims.sent} claims were sent by faults`,
    ...Object.entries(report.claims.decisions).map(([fault, of]) => `          ${fault}: ${entries(of)}`),
    `attempts  ${runs.attempts} ran, ${runs.excused} of them again with an excuse, ${runs.unexcused.length} without`,
    '', 'recovery from kill -9   kills   p50      p99      worst    alone p50  alone p99',
    ...recovery.map((row) => `  ${row.kind.padEnd(20)} ${String(row.kills).padStart(6)}   ${ms(row.p50Ms).padEnd(8)} ${ms(row.p99Ms).padEnd(8)} ${ms(row.maxMs).padEnd(8)} ${ms(row.aloneP50Ms).padEnd(10)} ${ms(row.aloneP99Ms)}`),
    '', `exits     ${entries(exits)}`,
    ...some(report.exitsByItself).map((line) => `          ${line}`),
    'errors that services logged', ...some(Object.entries(report.errors).sort(([, a], [, b]) => b - a).map(([what, count]) => `  ${String(count).padStart(6)}  ${what}`)),
    '', ...verify.rows.map(({ invariant, result, figures }) => `${invariant.padEnd(4)} ${result.padEnd(11)} ${figures}`),
    `audit = log: ${verify.figures.rows} rows of ${verify.figures.facts} facts`,
    '', ...(report.ok ? ['all of it holds'] : [`NOT all of it holds: ${report.problems.length} problems`, ...some(report.problems).map((problem) => `  ${problem}`)]),
  ];
  return `${lines.join('\n').replace(/[^\x20-\x7e\n–]/g, '?')}\n`;
}

function some(lines: readonly string[]): readonly string[] {
  return lines.length <= shownMax ? lines : [...lines.slice(0, shownMax), `  … and ${lines.length - shownMax} more`];
}

function entries(of: Readonly<Record<string, number>>): string {
  return Object.entries(of).map(([name, count]) => `${count} ${name}`).join(', ') || 'none';
}
