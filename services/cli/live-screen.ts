// A few lines at the bottom of the terminal that are drawn again in place. Only for terminals that can.

import type { Terminal } from './terminal.js';

export class LiveScreen {
  private drawn = 0;

  constructor(private readonly terminal: Terminal) {}

  /** Replaces what was drawn before. Lines must fit the terminal; what does not fit its height is cut from the top. */
  draw(lines: readonly string[]): void {
    const most = Math.max(this.terminal.rows - 2, 3);
    const hidden = Math.max(0, lines.length - most);
    const shown = hidden === 0 ? lines : [this.terminal.colors.dim(`… ${hidden + 1} lines above`), ...lines.slice(hidden + 1)];
    this.terminal.out(`${this.drawn > 0 ? `\u001b[${this.drawn}A` : ''}\r\u001b[J${shown.join('\n')}\n`);
    this.drawn = shown.length;
  }

  /** Clears it, so that something final can be printed in its place. */
  clear(): void {
    if (this.drawn > 0) this.terminal.out(`\u001b[${this.drawn}A\r\u001b[J`);
    this.drawn = 0;
  }
}
