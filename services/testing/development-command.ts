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
