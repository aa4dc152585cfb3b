// For tests: a TCP proxy between client and broker that loses what a network loses. It is told what to do with
// requests and replies; by default it only forwards.

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { KafkaAddress } from './kafka-client.js';

/**
 * `pass`: forward. `loseReplies`: requests arrive, no reply comes back. `cutOnReply`: the connection ends where a
 * reply should come. `cutInReply`: it ends within the reply. `loseAll`: nothing arrives. `refuse`: connections are ended at once.
 */
export type ProxyMode = 'pass' | 'loseReplies' | 'cutOnReply' | 'cutInReply' | 'loseAll' | 'refuse';

export class FaultProxy {
  mode: ProxyMode = 'pass';
  /** Connections that the mode applies to are those that have sent a request of at least this size since it was set. */
  requestBytesMin = 0;
  /** Requests and replies that were lost. */
  losses = 0;
  /** Connections that were ever begun. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #cutting = new WeakSet<Socket>();

  private constructor(private readonly target: KafkaAddress) {
    this.#server = createServer((client) => this.#accept(client));
  }

  static async open(target: KafkaAddress): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): KafkaAddress {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Ends every connection without a farewell. */
  cutAll(): void {
    for (const socket of this.#sockets) this.#cut(socket);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cutAll();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  /**
   * By a reset, unless it is ending already, and by nothing else afterwards: where a reset fails, Node 20 takes the
   * socket for closed and does not close it, and a process was seen to turn for ever in its own end.
   */
  #cut(socket: Socket): void {
    if (socket.writableEnded) { this.#end(socket); return; }
    this.#cutting.add(socket);
    socket.resetAndDestroy();
  }

  #end(socket: Socket): void {
    if (!this.#cutting.has(socket)) socket.destroy();
  }

  #accept(client: Socket): void {
    this.connections += 1;
    if (this.mode === 'refuse') { client.destroy(); return; }
    const broker = connect({ ...this.target, noDelay: true });
    client.setNoDelay(true);
    let afflicted = false;
    for (const [socket, other] of [[client, broker], [broker, client]] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => this.#end(other));
      socket.on('close', () => { this.#sockets.delete(socket); this.#end(other); });
    }
    client.on('data', (bytes) => {
      if (bytes.length >= this.requestBytesMin) afflicted = true;
      if (this.mode === 'loseAll' && afflicted) { this.losses += 1; return; }
      broker.write(bytes);
    });
    broker.on('data', (bytes) => {
      if (this.mode === 'pass' || !afflicted) { afflicted = false; client.write(bytes); return; }
      this.losses += 1;
      if (this.mode === 'cutOnReply') this.#cut(client);
      if (this.mode === 'cutInReply') client.end(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => client.destroy());
    });
  }
}
