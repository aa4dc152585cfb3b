import { explained, tamperNote } from './explain.js';
import { invariants, type InvariantName } from './findings.js';
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

/** How each invariant is checked, and what its check has in common with what it checks. */
export function explainText(columns: number): string {
  const lines = (Object.keys(invariants) as InvariantName[]).flatMap((invariant) => {
    const { how, shares } = explained[invariant];
    return [`${invariant.padEnd(4)} ${invariants[invariant]}`, ...wrapped(`checked by: ${how}`, columns), ...(shares === '' ? [] : wrapped(`shares: ${shares}`, columns))];
  });
  return `${lines.join('\n')}\n\n${wrapped(tamperNote, columns, '').join('\n')}\n`;
}

function wrapped(text: string, columns: number, indent = '     '): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line !== indent && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}
