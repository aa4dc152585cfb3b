import { counted } from '../runtime/counted.js';
import { explained, tamperNote } from './explain.js';
import { invariants, type InvariantName } from './findings.js';
import type { VerifyReport } from './verify-log.js';

/** One line per invariant, or more where it is longer than `columns`; on failure, the first offending records below it. */
export function verifyText({ rows, figures, elapsedMs, ok }: VerifyReport, columns = Infinity): string {
  const lines = rows.flatMap(({ invariant, result, says, figures: looked, count, findings }) => [
    ...wrapped(`${says} (${looked})`, columns, ' '.repeat(17)).map((line, at) => (at === 0 ? `${invariant.padEnd(4)} ${result.padEnd(11)} ${line.trimStart()}` : line)),
    ...findings.flatMap(({ what, records }) => [...wrapped(what, columns, '       '), ...records.map((record) => `         ${record}`)]),
    ...(count > findings.length ? [`       … and ${count - findings.length} more`] : []),
  ]);
  const sum = `${ok ? 'all that was checked holds' : 'NOT all of it holds'}: ${counted(figures.claims, 'claim')} and ${counted(figures.facts, 'fact')} in ${(elapsedMs / 1000).toFixed(1)} s`;
  return `${[...lines, ...wrapped(sum, columns, '')].join('\n')}\n`;
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
