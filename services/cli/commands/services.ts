// One command per service: each runs the service's own composition root in this process, configured by its environment.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { examples, type AddCommand } from '../context.js';
import { CliError } from '../exit-codes.js';

const services = {
  orchestrator: 'gate and conductor: the only writer of facts',
  gateway: 'bodies and models, under the capability of a step',
  ingress: 'the HTTP door for people and upstream systems',
  projector: 'facts to rows of Postgres',
  snapshots: 'a recent state of each partition in Postgres, so that a take-over reads little',
  agents: 'a pool of agents (AGENTS names which)',
  bridge: 'records of a topic of your own to submissions',
} as const;

export const addServices: AddCommand = (program) => {
  for (const [name, does] of Object.entries(services)) {
    const command = program.command(name)
      .description(does)
      .action(() => runService(name));
    examples(command, [
      [`blackboard ${name}`, 'Configured by the environment; see .env.example for every variable'],
      [`blackboard ${name} 2>> ${name}.log`, 'Logs are JSON lines on stderr'],
    ], 'Ends with 0 when it was asked to stop, 1 when it halted, 78 when the configuration is wrong (every problem is named).');
  }
};

/** @throws CliError refused where this installation lacks the service. */
async function runService(name: string): Promise<void> {
  const main = new URL(`../../${name}/main.js`, import.meta.url);
  if (!existsSync(fileURLToPath(main))) throw new CliError('refused', `this installation has no ${name} service (${fileURLToPath(main)})`, 'Build it with "npm run build", or install it again.');
  await import(main.href);
}
