// node stack-main.js [kafka] [registry] [postgres] [--dir DIR]: starts them (all when none is named), prints their
// addresses as one line of JSON, and stops them when stdin closes or on SIGTERM or SIGINT.
import { parseArgs } from 'node:util';
import { startStack } from './stack.js';

const parts = ['kafka', 'registry', 'postgres'] as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { dir: { type: 'string' } } });
  const unknown = positionals.filter((name) => !(parts as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`unknown part "${unknown[0]}": name some of ${parts.join(', ')}, or none for all`);
  const wants = Object.fromEntries(parts.map((name) => [name, positionals.length === 0 || positionals.includes(name)]));

  const told = toldToStop();
  const stack = await startStack(wants, values.dir === undefined ? {} : { dir: values.dir });
  process.stdout.write(`${JSON.stringify(stack.addresses)}\n`);
  await told;
  await stack.stop();
}

/** Listens from the start on, so that a word during the start is not missed. */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      process.stdin.destroy();
      resolve();
    };
    process.once('SIGTERM', done);
    process.once('SIGINT', done);
    process.stdin.resume();
    process.stdin.once('end', done);
    process.stdin.once('error', done);
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  process.stdin.destroy();
});
