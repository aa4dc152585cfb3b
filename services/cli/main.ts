// The command: wires the terminal to the commands, turns errors into words and exit codes. Nothing else is decided here.

import { CommanderError } from 'commander';
import { BlackboardError } from '../runtime/errors.js';
import type { CliContext } from './context.js';
import { CliError, exitCodeOf, exitCodes, type ExitCode } from './exit-codes.js';
import { buildProgram } from './program.js';
import { foreign, jsonLine, processTerminal, type Terminal } from './terminal.js';

/** Runs one command line; sets the process's exit code and leaves the rest to the event loop. */
export async function runCli(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const stopped = new AbortController();
  const stop = (): void => {
    stopped.abort();
    // The second signal is for those who cannot wait.
    process.once('SIGINT', () => process.exit(exitCodes.interrupted));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const terminal = processTerminal(env);
  const code = await runCommand(argv, { terminal, env, stopped: stopped.signal, readStdin: readAll });
  process.off('SIGINT', stop);
  process.off('SIGTERM', stop);
  if (code !== null) process.exitCode = code;
}

/** Null: the command says nothing of the exit code, which may be set already (services do). */
export async function runCommand(argv: readonly string[], parts: Omit<CliContext, 'finish'>): Promise<ExitCode | null> {
  let code: ExitCode | null = null;
  const program = buildProgram({ ...parts, finish: (given) => { code = given; } });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    tellError(error, { terminal: parts.terminal, isJson: argv.includes('--json'), env: parts.env });
    return exitCodeOf(error);
  }
}

function tellError(error: unknown, { terminal, isJson, env }: { readonly terminal: Terminal; readonly isJson: boolean; readonly env: NodeJS.ProcessEnv }): void {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof CliError ? error.hint : '';
  const details = error instanceof CliError || error instanceof BlackboardError ? error.details : {};
  const code = error instanceof BlackboardError ? error.code : typeof details['code'] === 'string' ? details['code'] : error instanceof CliError ? error.exit : 'UNEXPECTED';
  if (isJson) terminal.out(jsonLine({ error: { ...details, code, message, hint, exitCode: exitCodeOf(error) } }));
  const lines = message.split('\n').map((line) => foreign(line, 2000));
  terminal.err(`blackboard: ${foreign(code, 60)}: ${lines.join('\n')}\n${hint === '' ? '' : `  ${foreign(hint, 1000)}\n`}`);
  // An error of no known kind is a fault of ours: where it came from is worth more than good manners.
  if (code === 'UNEXPECTED' && error instanceof Error) terminal.err(`${env['BLACKBOARD_DEBUG'] === undefined ? '  Set BLACKBOARD_DEBUG=1 to see where it came from.' : error.stack ?? ''}\n`);
}

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
