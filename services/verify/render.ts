import type { VerifyReport } from './verify-log.js';

/** One line per invariant; on failure, the first offending records below it. */
export function verifyText({ rows, figures, elapsedMs, ok }: VerifyReport): string {
  const lines = rows.flatMap(({ invariant, result, says, figures: looked, count, findings }) => [
    `${invariant.padEnd(4)} ${result.padEnd(11)} ${says} (${looked})`,
    ...findings.flatMap(({ what, records }) => [`       ${what}`, ...records.map((record) => `         ${record}`)]),
    ...(count > findings.length ? [`       … and ${count - findings.length} more`] : []),
  ]);
  return `${lines.join('\n')}\n${ok ? 'all that was checked holds' : 'NOT all of it holds'}: ${figures.claims} claims and ${figures.facts} facts in ${(elapsedMs / 1000).toFixed(1)} s\n`;
}

export function verifyJson(report: VerifyReport): string {
  return `${JSON.stringify(report)}\n`;
}
