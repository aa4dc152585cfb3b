import { describeConfig, envExample } from '../../services/runtime/config.js';
import { composeVariables } from '../compose/compose-variables.js';
import { setupConfigSchema } from '../compose/setup-config.js';
import { configSections } from './config-schemas.js';

const opening = `# Every variable of every process, made from the configuration schemas by infra/docs/write-env-example.ts.
# Give each process its own, and no more: secrets best by <NAME>_FILE. An empty variable counts as not set.
# The embedded default (blackboard demo, blackboard up) needs none of them.
`;

/** The text of .env.example: a variable that several processes read is explained where it comes first. */
export async function envExampleText(): Promise<string> {
  const seen = new Set<string>();
  const sections = [
    ...await configSections(),
    { name: 'set-up of a deployment (infra/compose/setup.ts)', rows: describeConfig(setupConfigSchema).filter((row) => row.name.startsWith('SETUP_')) },
    { name: 'docker-compose.yml', rows: describeConfig(composeVariables) },
  ];
  const parts = sections.map(({ name, rows }) => {
    const fresh = rows.filter((row) => !seen.has(row.name));
    const again = rows.filter((row) => seen.has(row.name));
    for (const row of rows) seen.add(row.name);
    const also = again.length === 0 ? '' : `\n${again.map((row) => `# ${row.name}: as above. Here: ${row.meaning}${row.required ? ' (required)' : ''}\n`).join('')}`;
    return `\n# ${'-'.repeat(20)} ${name}\n\n${envExample(fresh)}${also}`;
  });
  return `${opening}${parts.join('')}`;
}
