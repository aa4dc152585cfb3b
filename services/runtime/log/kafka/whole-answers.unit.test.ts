import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { emitWholeAnswers } from './whole-answers.js';

function answer(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeInt32BE(text.length);
  bytes.write(text, 4);
  return bytes;
}

/** What a listener is handed when the network brings these bytes, chunk by chunk. */
function handedOn(chunks: readonly Buffer[]): { readonly data: readonly string[]; readonly error: Error | null } {
  const socket = new Socket();
  emitWholeAnswers(socket);
  const data: string[] = [];
  socket.on('data', (bytes) => data.push(bytes.toString('latin1')));
  socket.on('error', () => undefined);
  for (const chunk of chunks) socket.emit('data', chunk);
  return { data, error: socket.errored };
}

describe('answers of a broker', () => {
  const bytes = Buffer.concat([answer('first'), answer(''), answer('second one')]);
  const text = bytes.toString('latin1');

  it('are handed on whole, wherever the network cuts them', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) assert.equal(handedOn([bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0)).data.join(''), text, `cut at ${cut}`);
    const { data } = handedOn([...bytes].map((byte) => Buffer.of(byte)));
    assert.deepEqual(data, [answer('first'), answer(''), answer('second one')].map((one) => one.toString('latin1')));
  });

  it('are not handed on at all while they are incomplete', () => {
    assert.deepEqual(handedOn([bytes.subarray(0, 8)]).data, []);
    assert.deepEqual(handedOn([bytes.subarray(0, 11)]).data, [answer('first').toString('latin1')]);
  });

  it('end the connection when their size cannot be one', () => {
    const negative = Buffer.alloc(8, 0xff);
    assert.match(String(handedOn([negative]).error), /out of step/);
    assert.match(String(handedOn([Buffer.from('HTTP/1.1 400 Bad Request')]).error), /out of step/);
  });
});
