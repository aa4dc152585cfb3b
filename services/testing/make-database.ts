import { openPgDatabase } from '../runtime/postgres/pg-database.js';

/** Makes an empty database beside the one of the address, and returns its own address. */
export async function makeDatabase(serverUrl: string, name: string): Promise<string> {
  const server = openPgDatabase({ connectionString: serverUrl });
  await server.query(`CREATE DATABASE "${name}"`).finally(() => server.close());
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
