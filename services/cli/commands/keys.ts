import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { keysText, makeKeys } from '../../runtime/keys.js';
import { shippedPrincipals } from '../../../workflows/policy.js';
import { snapshotPrincipal } from '../../runtime/snapshot-store.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { foreign, jsonLine } from '../terminal.js';

interface KeysOptions extends JsonOption {
  readonly principal: readonly string[];
  readonly keyId: string;
}

export const addKeys: AddCommand = (program, context) => {
  const command = withJson(program.command('keys'))
    .description('make signing keys: all.json for orchestrator and gateway, and one file for each principal')
    .argument('<dir>', 'folder for the files; made where it is missing')
    .option('--principal <name>', 'one more principal besides those that ship (may be repeated)', (value, all: readonly string[]) => [...all, value], [])
    .option('--key-id <id>', 'names the keys, so that they can be replaced one day', 'k1')
    .action((dir: string, options: KeysOptions) => makeKeyFiles(dir, options, context));
  examples(command, [
    ['blackboard keys ./keys', 'Keys for all that ship, files of mode 0600'],
    ['blackboard keys ./keys-2 --key-id k2 --principal my-agent', 'With an agent of your own'],
    ['BLACKBOARD_KEYS_FILE=./keys/researcher.json blackboard agents', 'A process gets its own file and no other'],
  ], 'Files that exist are never written over: ends with 4 and writes nothing.');
};

async function makeKeyFiles(dir: string, options: KeysOptions, context: CliContext): Promise<void> {
  if (!/^[A-Za-z0-9-]{1,32}$/.test(options.keyId)) throw new CliError('usage', '--key-id is up to 32 letters, digits and dashes');
  const wrong = options.principal.find((name) => !/^[a-z0-9-]{1,64}$/.test(name) || name === 'all');
  if (wrong !== undefined) throw new CliError('usage', `--principal ${foreign(wrong)}: up to 64 lower-case letters, digits and dashes, and not "all"`);
  const keys = makeKeys([...new Set([...Object.keys(shippedPrincipals), 'projector', snapshotPrincipal, ...options.principal])], options.keyId);
  const files = [{ path: join(dir, 'all.json'), text: keysText(keys) }, ...keys.map((key) => ({ path: join(dir, `${key.principal}.json`), text: keysText([key]) }))];
  const taken = files.filter(({ path }) => existsSync(path)).map(({ path }) => path);
  if (taken.length > 0) throw new CliError('refused', `${taken.length} key files exist already, the first is ${foreign(taken[0])}; nothing was written`, 'Name another folder. Losing a key in use makes every claim signed with it unauthentic.', { files: taken });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // wx: not even a file that appeared meanwhile is written over.
  for (const { path, text } of files) await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  const paths = files.map(({ path }) => path);
  context.terminal.out(options.json === true ? jsonLine({ keyId: options.keyId, files: paths }) : paths.map((path) => `${foreign(path)}\n`).join(''));
  context.finish(exitCodes.ok);
}
