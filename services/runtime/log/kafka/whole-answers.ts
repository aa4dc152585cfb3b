// A socket that hands on whole answers only. kafkajs keeps the beginning of an answer that was cut off through the
// reconnect, takes the next connection's bytes for the rest of it, and throws where nobody can catch: the process ends.

import type { Socket } from 'node:net';

const sizeBytes = 4;
/** Larger than any fetch that we ask for; what claims to be more is no answer of a broker. */
const answerBytesMax = 256 * 1024 * 1024;

/** Makes `socket` emit `data` with one or more whole answers (size and payload) each time. */
export function emitWholeAnswers(socket: Socket): void {
  const emit = socket.emit.bind(socket);
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = sizeBytes;
  const receive = (chunk: Buffer): boolean => {
    chunks.push(chunk);
    held += chunk.length;
    if (held < wanted) return true;
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, held);
    let end = 0;
    for (wanted = sizeBytes; end + wanted <= held;) {
      const answerBytes = bytes.readInt32BE(end);
      if (answerBytes < 0 || answerBytes > answerBytesMax) {
        socket.destroy(new Error(`an answer of ${answerBytes} bytes: this is no Kafka broker, or the connection is out of step`));
        return true;
      }
      wanted = sizeBytes + answerBytes;
      if (end + wanted > held) break;
      end += wanted;
      wanted = sizeBytes;
    }
    chunks = end === held ? [] : [bytes.subarray(end)];
    held -= end;
    return end === 0 || emit('data', bytes.subarray(0, end));
  };
  socket.emit = ((event: string, ...values: unknown[]) => (event === 'data' ? receive(values[0] as Buffer) : emit(event, ...values))) as Socket['emit'];
}
