// What a client was told of its submissions, kept for `verify --history`: one JSON line each.

import { appendFile } from 'node:fs/promises';
import { jobId } from '../blackboard/ids.js';
import type { HistoryEntry } from '../verify/client-history.js';
import { CliError } from './exit-codes.js';

/** Of submissions that name no tenant and no API key. */
const defaultTenant = 'default';

export class HistoryFile {
  constructor(private readonly path: string, private readonly of: { readonly tenant: string | undefined; readonly key: string }) {}

  acked({ job, partition, offset }: { readonly job: string; readonly partition: number; readonly offset: number }): Promise<void> {
    const { tenant = defaultTenant, key } = this.of;
    // An API key may be bound to a tenant that its caller does not name.
    return this.#add({ job, tenant: jobId(tenant, key) === job ? tenant : '', key, outcome: 'acked', partition, offset });
  }

  failed(error: unknown): Promise<void> {
    const { tenant = defaultTenant, key } = this.of;
    const isRefused = error instanceof CliError && error.exit !== 'unavailable' && error.exit !== 'failed';
    return this.#add({ job: jobId(tenant, key), tenant, key, outcome: isRefused ? 'refused' : 'unknown', partition: null, offset: null });
  }

  #add(entry: HistoryEntry): Promise<void> {
    return appendFile(this.path, `${JSON.stringify(entry)}\n`);
  }
}
