import type { Command } from 'commander';

/**
 * The command line that says what `help …` asks for: also of a command below another, and of a name that is none, which
 * is told as any wrong name is. Nothing is run by it: behind a command that has none below it only `--help` is left.
 */
export function helpArgv(program: Command, argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  const names = rest.filter((word) => !word.startsWith('-'));
  if (first !== 'help' || names.length === 0 || names[0] === 'help') return argv;
  const path: string[] = [];
  for (let at: Command = program; at.commands.length > 0 && path.length < names.length;) {
    const name = names[path.length] as string;
    path.push(name);
    const found = at.commands.find((command) => command.name() === name);
    if (found === undefined) return path;
    at = found;
  }
  return [...path, '--help'];
}
