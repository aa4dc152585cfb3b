// Text of others must not stop the projector: Postgres takes no NUL in text and no lone surrogate in jsonb, and an
// index takes no long entry. Such text is marked and cut, never refused; the record itself keeps every byte.

const unstorable = /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** Longest text of a column that may be in an index, in UTF-16 units (at most four bytes each: below a third of a page). */
export const indexedTextMax = 256;

/** At most `lengthMax` UTF-16 units; what Postgres cannot hold becomes U+FFFD, and a cut shows as `…`. */
export function storableText(text: string, lengthMax = indexedTextMax): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  // Almost always there is nothing to mend, and to ask that takes a fraction of a replacement.
  return cut.isWellFormed() && !cut.includes('\0') ? cut : cut.replace(unstorable, '\uFFFD');
}

/** Null for the empty text. */
export function textOrNull(text: string, lengthMax = indexedTextMax): string | null {
  return text === '' ? null : storableText(text, lengthMax);
}

/** JSON of a value whose member names are our own; each text in it is made storable. */
export function storableJson(value: Readonly<Record<string, unknown>>, textMax = 4096): string {
  const text = JSON.stringify(value);
  // Almost always there is nothing to mend: what Postgres cannot hold is escaped in the text, and a long text makes it long.
  if (text.length <= textMax && (!text.includes('\\u') || !/\\u(0000|[dD][89a-fA-F])/.test(text))) return text;
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === 'string' ? storableText(member, textMax) : member));
}
