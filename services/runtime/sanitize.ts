// Text of others (documents, claims, model output, error messages) shown on an operator's terminal: after
// `forTerminal` nothing in it can move the cursor, change colours, write to the clipboard or title, reorder what
// is read, or hide. What is taken out is shown, not dropped, so that an attempt is seen.

export interface TerminalOptions {
  /** Keep line feeds, and tabs as two spaces. Otherwise the result is one line. */
  readonly lines?: boolean;
}

// Letters and marks of every script pass, as do the joiners U+200C and U+200D and the sixteen variation selectors,
// which many scripts and emoji need. Refused: controls (C0, DEL, C1), line and paragraph separators, surrogates
// without their half, private use, format characters (bidi overrides and isolates, tags), and all that draws nothing.
const hostile = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|(?![\u200c\u200d\ufe00-\ufe0f])[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Makes `text` safe for a terminal, at most `maxChars` UTF-16 units long; a cut ends in `…` and never splits a
 * character. Escape sequences lose their ESC (shown as `␛`), other controls show as `␀`-style pictures or `<U+202E>`.
 */
export function forTerminal(text: string, maxChars: number, options: TerminalOptions = {}): string {
  if (maxChars <= 0) return '';
  // One unit more than fits is enough to know that something is cut, however long the text is.
  const head = text.slice(0, maxChars + 1);
  let shown = '';
  let previousLength = 0;
  for (const character of head) {
    const next = hostile.test(character) ? visible(character, options.lines === true) : character;
    if (shown.length + next.length > maxChars) return cut(shown, previousLength, maxChars);
    if (shown.length + next.length < maxChars) previousLength = shown.length + next.length;
    shown += next;
  }
  return shown;
}

function cut(shown: string, previousLength: number, maxChars: number): string {
  return `${shown.length < maxChars ? shown : shown.slice(0, previousLength)}…`;
}

function visible(character: string, keepLines: boolean): string {
  const code = character.codePointAt(0) ?? 0;
  if (keepLines && code === 0x0a) return '\n';
  if (keepLines && code === 0x09) return '  ';
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}
