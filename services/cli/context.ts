import type { Command } from 'commander';
import type { ExitCode } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/** What every command gets. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly stopped: AbortSignal;
  /** Bytes of stdin, for `-`. */
  readonly readStdin: () => Promise<Buffer>;
  /** The code to leave with when the command returns. */
  finish(code: ExitCode): void;
}

export type AddCommand = (program: Command, context: CliContext) => void;

export interface JsonOption { readonly json?: boolean }
export interface ServerOptions extends JsonOption { readonly url?: string }

export const defaultUrl = 'http://127.0.0.1:7117';

export function withJson(command: Command): Command {
  return command.option('--json', 'machine output on stdout, and nothing else there');
}

/** For commands that talk to a running blackboard. */
export function withServer(command: Command): Command {
  return withJson(command.option('--url <url>', `where ingress listens (BLACKBOARD_URL; default ${defaultUrl})`));
}

/** Examples at the end of a help text, each with what it is for. */
export function examples(command: Command, pairs: readonly (readonly [line: string, meaning: string])[], more = ''): Command {
  const lines = pairs.map(([line, meaning]) => `  # ${meaning}\n  $ ${line}`).join('\n\n');
  return command.addHelpText('after', `\nExamples\n${lines}\n${more === '' ? '' : `\n${more}\n`}`);
}
