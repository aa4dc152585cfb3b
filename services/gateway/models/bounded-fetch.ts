// `fetch` for an endpoint that is not trusted: the whole body is read inside the call, so that the caller's time
// limit covers a trickle; at most so many bytes; no redirects, which could carry the key elsewhere; and what an
// error response says is dropped, since it may echo the request.

import { isUtf8 } from 'node:buffer';

export type ResponseRule = 'too-large' | 'protocol';

/** A response that was refused while it was read; client libraries wrap it, so look for it among causes. */
export class ResponseRefused extends Error {
  override readonly name = 'ResponseRefused';

  constructor(readonly rule: ResponseRule) {
    super(`the endpoint's response was refused: ${rule}`);
  }
}

/** Of an error response, status and these headers are kept. */
const keptHeaders = ['retry-after', 'retry-after-ms'];

export function boundedFetch(bytesMax: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'error' });
    if (!response.ok) {
      await response.body?.cancel();
      const headers = keptHeaders.flatMap((name) => { const value = response.headers.get(name); return value === null ? [] : [[name, value] as [string, string]]; });
      return new Response(null, { status: response.status, headers });
    }
    const body = await readBounded(response, bytesMax);
    if (!isUtf8(body) || !isJson(body)) throw new ResponseRefused('protocol');
    return new Response(body, { status: response.status, headers: { 'content-type': 'application/json' } });
  };
}

/** @throws ResponseRefused too-large as soon as more than `bytesMax` (decompressed) bytes have come; the rest is not read. */
async function readBounded(response: Response, bytesMax: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) return Buffer.concat(chunks);
    const chunk = part.value as Uint8Array;
    size += chunk.byteLength;
    if (size > bytesMax) {
      await reader?.cancel();
      throw new ResponseRefused('too-large');
    }
    chunks.push(chunk);
  }
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
