// The few things that tests need to know of our own documents: fenced blocks, headings, links. Pure.

export interface FencedBlock {
  /** First word behind the fence, e.g. `sql`. */
  readonly language: string;
  /** The rest of that line: what a test is to do with it. */
  readonly marks: string;
  readonly text: string;
  /** Heading above it. */
  readonly heading: string;
}

export function fencedBlocks(markdown: string): readonly FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let heading = '';
  let open: { readonly language: string; readonly marks: string; readonly lines: string[] } | null = null;
  for (const line of markdown.split('\n')) {
    if (open === null) {
      heading = /^#{1,4} (.*)$/.exec(line)?.[1] ?? heading;
      const fence = /^```(\S+)\s*(.*)$/.exec(line);
      if (fence !== null || line === '```') open = { language: fence?.[1] ?? '', marks: fence?.[2] ?? '', lines: [] };
    } else if (line === '```') {
      blocks.push({ language: open.language, marks: open.marks, heading, text: open.lines.join('\n') });
      open = null;
    } else open.lines.push(line);
  }
  return blocks;
}

export function headings(markdown: string, level: number): readonly string[] {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').split('\n').flatMap((line) => new RegExp(`^#{${level}} (.+)$`).exec(line)?.[1] ?? []);
}

/** Targets of links that stay within the project: `path` and `anchor`, either may be empty. */
export function localLinks(markdown: string): readonly { readonly path: string; readonly anchor: string }[] {
  return [...markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => ({ path: target.split('#')[0] ?? '', anchor: target.split('#')[1] ?? '' }));
}

/** The anchor that a heading gets where Markdown is shown. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
}
