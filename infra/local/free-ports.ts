// Ports for servers of tests and laptops. They lie below the range from which operating systems pick the local end
// of outgoing connections, so that a server that is killed finds its port still free when it comes back.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const lowestPort = 18_000;
const highestPort = 31_999;
const triesMax = 200;

/** `count` different ports on 127.0.0.1 on which nobody listened a moment ago; a caller retries when it loses the race. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries >= triesMax) throw new Error(`no free port on 127.0.0.1 between ${lowestPort} and ${highestPort} in ${triesMax} tries`);
    const port = randomInt(lowestPort, highestPort + 1);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

/** Whether 127.0.0.1:port can be bound now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
