// Server-sent events out of the bytes of a response (WHATWG HTML, "Server-sent events"), one at a time.

export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** One event may be so long at most; a longer one ends the reading with an error. */
const eventCharsMax = 4 * 1024 * 1024;

export async function* readEventStream(chunks: AsyncIterable<Uint8Array>): AsyncIterable<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    if (rest.length > eventCharsMax) throw new Error('an event of the stream is longer than 4 MiB');
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event !== null) yield event;
    }
  }
}

function parseBlock(block: string): ServerEvent | null {
  const fields = { id: '', event: 'message' };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') data.push(value);
    else if (name === 'id' || name === 'event') fields[name] = value;
  }
  return data.length === 0 ? null : { id: fields.id, type: fields.event, data: data.join('\n') };
}
