// Every variable that a process reads, found in the configuration schemas themselves: a service that is added is
// documented by having a config.ts, and none can be forgotten. Imported by place, since infra knows no stage by name.

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { describeConfig, type ConfigRow } from '../../services/runtime/config.js';
import { plumbingConfigSchema } from '../../services/runtime/plumbing-config.js';
import { commandVariables } from './command-variables.js';

export interface ConfigSection {
  /** Folder of the service, or `every service`, `commands and tests`. */
  readonly name: string;
  readonly rows: readonly ConfigRow[];
}

/** What all services share first, then each service's own variables, then those of commands and tests. */
export async function configSections(): Promise<readonly ConfigSection[]> {
  const shared = describeConfig(plumbingConfigSchema);
  const services = await Promise.all(serviceNames().map(async (name) => ({ name, rows: describeConfig(await configSchemaOf(name)).filter((row) => !shared.some((one) => one.name === row.name)) })));
  return [{ name: 'every service', rows: shared }, ...services, { name: 'commands and tests', rows: describeConfig(commandVariables) }];
}

/** Folders of services/ that are processes with a configuration. */
export function serviceNames(): readonly string[] {
  const services = fileURLToPath(new URL('../../services/', import.meta.url));
  return readdirSync(services).filter((name) => existsSync(`${services}${name}/config.js`) && existsSync(`${services}${name}/main.js`)).sort();
}

/** The configuration schema of a service's process. */
export async function configSchemaOf(service: string): Promise<z.ZodObject> {
  const loaded = await import(new URL(`../../services/${service}/config.js`, import.meta.url).href) as Record<string, unknown>;
  const found = Object.entries(loaded).find(([name]) => name.endsWith('ConfigSchema'));
  if (found === undefined) throw new Error(`services/${service}/config.ts exports no …ConfigSchema`);
  return found[1] as z.ZodObject;
}
