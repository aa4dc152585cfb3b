import type { AddCommand } from '../context.js';
import { jsonLine } from '../terminal.js';
import { exitCodes, exitCodesText, exitMeanings } from '../exit-codes.js';

export const addExitCodes: AddCommand = (program, context) => {
  program.command('exit-codes')
    .description('say what every exit code means')
    .option('--json', 'machine output on stdout, and nothing else there')
    .addHelpText('after', `\n${exitCodesText()}`)
    .action((options: { readonly json?: boolean }) => {
      const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
      context.terminal.out(options.json === true ? jsonLine(names.map((name) => ({ code: exitCodes[name], name, means: exitMeanings[name] }))) : exitCodesText());
      context.finish(exitCodes.ok);
    });
};
