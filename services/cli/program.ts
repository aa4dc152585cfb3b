import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../runtime/project-root.js';
import { addAudit } from './commands/audit.js';
import { addBoard } from './commands/board.js';
import { addCancel } from './commands/cancel.js';
import { addCredentials } from './commands/credentials.js';
import { addDeadLetter } from './commands/dead-letter.js';
import { addDemo } from './commands/demo.js';
import { addDoctor } from './commands/doctor.js';
import { addExitCodes } from './commands/exit-codes.js';
import { addKeys } from './commands/keys.js';
import { addList } from './commands/list.js';
import { addRecord } from './commands/record.js';
import { addReplay } from './commands/replay.js';
import { addVerify } from './commands/verify.js';
import { addResult } from './commands/result.js';
import { addServices } from './commands/services.js';
import { addSimulate } from './commands/simulate.js';
import { addStatus } from './commands/status.js';
import { addSubmit } from './commands/submit.js';
import { addTopics } from './commands/topics.js';
import { addUp } from './commands/up.js';
import { addWatch } from './commands/watch.js';
import type { AddCommand, CliContext } from './context.js';

const groups: readonly (readonly [heading: string, commands: readonly AddCommand[]])[] = [
  ['Try it:', [addDemo, addUp, addSimulate, addDoctor]],
  ['Jobs:', [addSubmit, addStatus, addResult, addList, addCancel, addWatch]],
  ['What happened:', [addBoard, addAudit, addReplay, addVerify, addRecord]],
  ['Operate:', [addTopics, addDeadLetter, addKeys, addCredentials]],
  ['One process for each service:', [addServices]],
  ['Further:', [addExitCodes]],
];

/** The whole command line. It throws CommanderError where it would have ended the process. */
export function buildProgram(context: CliContext): Command {
  const program = new Command('blackboard')
    .description('Runs agents on a blackboard: what they post is quarantined, and only what passes the gate is a fact.')
    .version(version(), '-V, --version')
    .exitOverride()
    .showHelpAfterError('(add --help for examples)')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: false, helpWidth: context.terminal.columns })
    .configureOutput({ writeOut: (text) => context.terminal.out(text), writeErr: (text) => context.terminal.err(text), getOutHelpWidth: () => context.terminal.columns, getErrHelpWidth: () => context.terminal.columns })
    .addHelpText('after', '\nExamples\n  # See it work on real documents, in seconds\n  $ blackboard demo\n\n  # Start everything, and give it a job from another terminal\n  $ blackboard up\n  $ blackboard submit --workflow brief --param docs=/path/to/docs --param question="What is …?" --wait\n');
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const add of commands) add(program, context);
  }
  return program;
}

function version(): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
