/** Bytes as lines of offset, hex and ASCII; nothing in them can act on a terminal. `bytesPerLine` fits the width. */
export function hexLines(bytes: Uint8Array, columns: number, bytesMax = 512): readonly string[] {
  const perLine = columns >= 76 ? 16 : 8;
  const shown = bytes.subarray(0, bytesMax);
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += perLine) {
    const row = [...shown.subarray(at, at + perLine)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ').padEnd(perLine * 3 - 1);
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex}  ${row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')}`);
  }
  if (bytes.length > shown.length) lines.push(`… ${bytes.length - shown.length} more bytes`);
  return lines;
}
