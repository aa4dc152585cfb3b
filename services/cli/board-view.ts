// Both namespaces of a job side by side: what is a fact, and what stayed in quarantine and why.

import { clip, displayWidth, padEnd, wrapText } from './text-layout.js';
import type { Artifact } from './job-views.js';
import { foreign, type Terminal } from './terminal.js';

type View = Pick<Terminal, 'columns' | 'colors'>;

export interface BoardOptions {
  /** Artifacts of a namespace that are listed at most; the rest is counted. Default: all. */
  readonly rowsMax?: number;
}

export function boardText(artifacts: readonly Artifact[], view: View, options: BoardOptions = {}): string {
  const verified = artifacts.filter((artifact) => artifact.namespace === 'verified');
  const quarantine = artifacts.filter((artifact) => artifact.namespace === 'quarantine');
  const { colors } = view;
  const width = Math.floor((view.columns - 3) / 2);
  const left = side(verified, width, options);
  const right = side(quarantine, width, options);
  const head = (title: string, paint: (text: string) => string): string => paint(colors.bold(title)) + ' '.repeat(Math.max(0, width - displayWidth(title)));
  const lines = [
    `${head(`VERIFIED  ${verified.length}`, colors.green)} ${colors.dim('│')} ${head(`QUARANTINE  ${quarantine.length}`, colors.red)}`,
    colors.dim(`${'─'.repeat(width)}─┼─${'─'.repeat(width)}`),
  ];
  for (let at = 0; at < Math.max(left.length, right.length, 1); at += 1) lines.push(`${cell(left[at], width, colors)} ${colors.dim('│')} ${cell(right[at], width, colors)}`);
  return `${[...lines.map((line) => line.trimEnd()), ...tally(quarantine, view)].join('\n')}\n`;
}

interface Cell { readonly text: string; readonly tone: 'plain' | 'dim' | 'bad' | 'wait' }

function side(artifacts: readonly Artifact[], width: number, { rowsMax = Infinity }: BoardOptions): readonly Cell[] {
  if (artifacts.length === 0) return [{ text: '(nothing)', tone: 'dim' }];
  const shown = artifacts.slice(0, rowsMax);
  const cells = shown.flatMap((artifact): Cell[] => {
    const name = `${foreign(artifact.type, 60)}  ${foreign(artifact.step, 60)}`;
    const hash = foreign(artifact.hash, 64).slice(0, 10);
    const checked = artifact.verifier === null ? '' : ` · ${foreign(artifact.verifier, 40)}`;
    const by = `  ${foreign(artifact.producer, 40)}${checked}`;
    const why: Cell = artifact.state === 'verified' ? { text: by, tone: 'dim' }
      : artifact.state === 'waiting' ? { text: `  waits for ${foreign(artifact.verifier, 40) || 'its verifier'}`, tone: 'wait' }
        : { text: `  ${foreign(artifact.producer, 40)}: ${foreign(artifact.reason, 120) || 'refused'}`, tone: 'bad' };
    return [{ text: spread(name, hash, width), tone: 'plain' }, { ...why, text: clip(why.text, width) }];
  });
  const more = artifacts.length - shown.length;
  return more > 0 ? [...cells, { text: `and ${more} more`, tone: 'dim' }] : cells;
}

function spread(left: string, right: string, width: number): string {
  const room = width - right.length - 1;
  return `${padEnd(clip(left, room), room)} ${right}`;
}

function cell(content: Cell | undefined, width: number, colors: View['colors']): string {
  if (content === undefined) return ' '.repeat(width);
  const text = padEnd(clip(content.text, width), width);
  return content.tone === 'plain' ? text : content.tone === 'dim' ? colors.dim(text) : content.tone === 'bad' ? colors.red(text) : colors.yellow(text);
}

/** How often each reason stands in quarantine. */
function tally(quarantine: readonly Artifact[], { colors, columns }: View): string[] {
  const counts = new Map<string, number>();
  for (const { reason, state } of quarantine) if (state === 'rejected') counts.set(reason ?? '', (counts.get(reason ?? '') ?? 0) + 1);
  if (counts.size < 2) return [];
  const text = [...counts].sort((a, b) => b[1] - a[1]).map(([reason, count]) => `${foreign(reason, 60) || 'refused'} ×${count}`).join(' · ');
  return ['', ...wrapText(`refused for: ${text}`, columns).map((line) => colors.dim(line))];
}
