// The commands of the README's development section: --help that teaches, and a clear refusal with exit code 2.

import { Command, InvalidArgumentError, Option } from 'commander';

/** @param examples command lines as they would be typed. */
export function developmentCommand(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name).description(description)
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 120) })
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}\n`).join('')}`)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
}

/** An option with a whole number from `least` on. */
export function wholeNumber(flags: string, description: string, least: number, preset?: number): Option {
  const option = new Option(flags, description).argParser((text) => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < least) throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    return number;
  });
  return preset === undefined ? option : option.default(preset);
}

/** Says on stderr what goes on, with the seconds since it was made; on a terminal in place of what was said before where `isOneLine`. */
export function progress({ isOneLine = false }: { readonly isOneLine?: boolean } = {}): (text: string) => void {
  const startedMs = performance.now();
  const inPlace = isOneLine && process.stderr.isTTY;
  return (text) => {
    const line = `[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s] ${text}`;
    process.stderr.write(inPlace ? `\r\u001b[2K${line}` : `${line}\n`);
  };
}
