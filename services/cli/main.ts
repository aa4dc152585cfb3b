// The command: wires the terminal to the commands, turns errors into words and exit codes. Nothing else is decided here.

import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { BlackboardError } from '../runtime/errors.js';
import type { CliContext } from './context.js';
import { CliError, exitCodeOf, exitCodes, type ExitCode } from './exit-codes.js';
import { helpArgv } from './help-argv.js';
import { buildProgram } from './program.js';
import { systemError } from './system-error.js';
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
  let lost: NodeJS.ErrnoException | null = null;
  const terminal = processTerminal(env, (error) => {
    lost = error;
    // Servers that were started and folders that were made are put away as after Ctrl-C.
    stopped.abort();
    if (isReaderGone(error)) return;
    terminal.err(`blackboard: stdout cannot be written (${error.code ?? error.message}): what it holds is not complete\n`);
    process.exitCode = exitCodes.failed;
  });
  const code = await runCommand(argv, { terminal, env, stopped: stopped.signal, readStdin: readAll }, () => lost !== null);
  process.off('SIGINT', stop);
  process.off('SIGTERM', stop);
  // A reader such as `head` that has read enough is no failure of ours.
  if (lost !== null && !isReaderGone(lost)) process.exitCode = exitCodes.failed;
  else if (code !== null) process.exitCode = lost !== null && code === exitCodes.interrupted ? exitCodes.ok : code;
}

function isReaderGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE';
}

/**
 * Null: the command says nothing of the exit code, which may be set already (services do).
 * @param isLost whether nobody takes the output any more: that it was stopped for that is not told.
 */
export async function runCommand(argv: readonly string[], parts: Omit<CliContext, 'finish'>, isLost: () => boolean = () => false): Promise<ExitCode | null> {
  let code: ExitCode | null = null;
  const program = buildProgram({ ...parts, finish: (given) => { code = given; } });
  try {
    await program.parseAsync([...helpArgv(program, argv)], { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) return exitCodes.ok;
      // Commander has told it on stderr; who reads JSON is told there.
      if (argv.includes('--json')) parts.terminal.out(jsonLine({ error: { code: 'usage', message: thrown.message.replace(/^error: /, ''), hint: 'See --help.', exitCode: exitCodes.usage } }));
      return exitCodes.usage;
    }
    const error = thrown instanceof CliError || thrown instanceof BlackboardError ? thrown : systemError(thrown) ?? thrown;
    if (error instanceof CliError && error.exit === 'interrupted' && isLost()) return exitCodes.interrupted;
    if (error !== thrown && parts.env['BLACKBOARD_DEBUG'] !== undefined && thrown instanceof Error) parts.terminal.err(`${thrown.stack ?? ''}\n`);
    tellError(error, { terminal: parts.terminal, isJson: argv.includes('--json'), env: parts.env });
    return exitCodeOf(error);
  }
}

function tellError(error: unknown, { terminal, isJson, env }: { readonly terminal: Terminal; readonly isJson: boolean; readonly env: NodeJS.ProcessEnv }): void {
  const message = messageOf(error);
  const hint = error instanceof CliError ? error.hint : '';
  const details = error instanceof CliError || error instanceof BlackboardError ? error.details : {};
  const code = error instanceof BlackboardError ? error.code : typeof details['code'] === 'string' ? details['code'] : error instanceof CliError ? error.exit : 'UNEXPECTED';
  if (isJson) terminal.out(jsonLine({ error: { ...details, code, message, hint, exitCode: exitCodeOf(error) } }));
  const lines = message.split('\n').map((line) => foreign(line, 2000));
  terminal.err(`blackboard: ${foreign(code, 60)}: ${lines.join('\n')}\n${hint === '' ? '' : `  ${foreign(hint, 1000)}\n`}`);
  // An error of no known kind is a fault of ours: where it came from is worth more than good manners.
  if (code === 'UNEXPECTED' && error instanceof Error) terminal.err(`${env['BLACKBOARD_DEBUG'] === undefined ? '  Set BLACKBOARD_DEBUG=1 to see where it came from.' : error.stack ?? ''}\n`);
}

/** Also of what libraries throw that is no Error. */
function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return error !== null && typeof error === 'object' ? inspect(error, { depth: 1, breakLength: Infinity }) : String(error);
}

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
