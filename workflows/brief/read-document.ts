// From the bytes of a file to the one text that everything later quotes from: the same bytes always give the same
// text, and what cannot be read faithfully is refused with a reason, never repaired by guessing.

import { convert } from 'html-to-text';
import type { MediaType, SkipReason } from './contracts.js';
import { limits } from './limits.js';

export type ReadDocument =
  | { readonly ok: true; readonly text: string; readonly mediaType: MediaType }
  | { readonly ok: false; readonly reason: SkipReason };

const extensions: Readonly<Record<string, MediaType>> = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  txt: 'text/plain',
  text: 'text/plain',
  html: 'text/html',
  htm: 'text/html',
};

/** The media type that a file's name stands for, or null when the collector does not read such files. */
export function mediaTypeOf(name: string): MediaType | null {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? null : (extensions[name.slice(dot + 1).toLowerCase()] ?? null);
}

/**
 * Canonical text of a document: UTF-8 decoded strictly, byte order mark removed, line ends as line feeds. Markdown
 * and text stay as they are written; HTML becomes the text that a reader sees.
 */
export function readDocument(name: string, bytes: Uint8Array): ReadDocument {
  const mediaType = mediaTypeOf(name);
  if (mediaType === null) return { ok: false, reason: 'unsupported-type' };
  if (bytes.length > limits.documentBytesMax) return { ok: false, reason: 'too-large' };
  if (bytes.includes(0)) return { ok: false, reason: 'binary' };
  const source = decodeStrictly(bytes);
  if (source === null) return { ok: false, reason: 'bad-utf8' };
  const lines = source.replace(/\r\n?/g, '\n');
  const text = mediaType === 'text/html' ? htmlToText(lines) : lines;
  return text.trim() === '' ? { ok: false, reason: 'empty' } : { ok: true, text, mediaType };
}

function decodeStrictly(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function htmlToText(html: string): string {
  const heading = { leadingLineBreaks: 2, trailingLineBreaks: 2, uppercase: false };
  return convert(html, {
    wordwrap: false,
    limits: { maxDepth: 200, maxInputLength: limits.documentBytesMax },
    selectors: [
      { selector: 'a', options: { ignoreHref: true } },
      ...['img', 'nav', 'script', 'style', 'template', 'svg', 's', 'del', 'strike'].map((selector) => ({ selector, format: 'skip' })),
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: heading })),
    ],
  }).replace(/\u00a0/g, ' ');
}
