// The body of a put: one or more `[length, 4 bytes big-endian][bytes]`, nothing before, between or behind.

export const frameLimits = { bodiesMax: 256, bodyBytesMax: 16 * 1024 * 1024 } as const;

export type Frames =
  | { readonly ok: true; readonly bodies: readonly Buffer[] }
  | { readonly ok: false; readonly rule: 'empty' | 'cut-short' | 'too-many-bodies' | 'body-too-large' };

/** Takes a put apart without copying. */
export function readBodyFrames(bytes: Buffer): Frames {
  if (bytes.length === 0) return { ok: false, rule: 'empty' };
  const bodies: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bodies.length === frameLimits.bodiesMax) return { ok: false, rule: 'too-many-bodies' };
    if (at + 4 > bytes.length) return { ok: false, rule: 'cut-short' };
    const length = bytes.readUInt32BE(at);
    if (length > frameLimits.bodyBytesMax) return { ok: false, rule: 'body-too-large' };
    if (at + 4 + length > bytes.length) return { ok: false, rule: 'cut-short' };
    bodies.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { ok: true, bodies };
}
