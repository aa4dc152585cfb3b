import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { examples, type AddCommand } from '../context.js';
import { CliError } from '../exit-codes.js';

export const addReplay: AddCommand = (program) => {
  const command = program.command('replay')
    .description('fold a recorded job from the log alone, and take every decision again')
    .argument('<job>', 'job id, 32 hex digits')
    .argument('[more...]', 'options of replay')
    .allowUnknownOption()
    .action(async () => {
      const main = new URL('../../../replay/main.js', import.meta.url);
      if (!existsSync(fileURLToPath(main))) throw new CliError('refused', 'this installation has no replay', 'Build it with "npm run build", or install it again.');
    });
  examples(command, [['blackboard replay JOB', 'Every decision taken again and compared with the recorded one']]);
};
