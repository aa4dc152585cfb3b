// Text that may be shown in a terminal, a log or a Markdown file: no control characters, no bidirectional
// overrides, no lone surrogates. What is refused here can neither move a cursor nor reorder what a person reads.

import { z } from 'zod';

// Joiners and variation selectors pass: many scripts and emoji need them. Line feeds and tabs are looked at apart.
const unsafeAnywhere = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Co}]|(?![\u200c\u200d\ufe00-\ufe0f])[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** True when the text holds nothing unsafe; line feeds and tabs are allowed. */
export function isSafeText(text: string): boolean {
  return !unsafeAnywhere.test(text) && !loneSurrogate.test(text);
}

/** True when the text is safe and fits on one line. */
export function isSafeLine(text: string): boolean {
  return isSafeText(text) && !/[\n\t]/.test(text);
}

/** A line of 1 to `charactersMax` UTF-16 units that is safe to show. */
export function safeLine(charactersMax: number): z.ZodString {
  return z.string().min(1).max(charactersMax).refine(isSafeLine, 'must not hold control characters, line breaks or lone surrogates');
}

/** Text of 1 to `charactersMax` UTF-16 units that may span lines and is safe to show. */
export function safeText(charactersMax: number): z.ZodString {
  return z.string().min(1).max(charactersMax).refine(isSafeText, 'must not hold control characters or lone surrogates');
}
