// What a client was told of its submissions, kept for `verify --history`: one JSON line each.

import { appendFile } from 'node:fs/promises';
import { jobId } from '../blackboard/ids.js';
import type { HistoryEntry } from '../verify/client-history.js';
import { CliError } from './exit-codes.js';

/** Of submissions that name no tenant and no API key. */
const defaultTenant = 'default';

export class HistoryFile {
  constructor(private readonly path: string, private readonly of: { readonly tenant: string | undefined; readonly key: string }) {}

  /** Nothing is sent whose answer could not be kept. @throws of the system, when the file cannot be written. */
  open(): Promise<void> {
    return appendFile(this.path, '');
  }

  acked({ job, partition, offset }: { readonly job: string; readonly partition: number; readonly offset: number }): Promise<void> {
    const { tenant = defaultTenant, key } = this.of;
    // An API key may be bound to a tenant that its caller does not name.
    return this.#add({ job, tenant: jobId(tenant, key) === job ? tenant : '', key, outcome: 'acked', partition, offset });
  }

  failed(error: unknown): Promise<void> {
    const { tenant = defaultTenant, key } = this.of;
    return this.#add({ job: jobId(tenant, key), tenant, key, outcome: isRefusal(error) ? 'refused' : 'unknown', partition: null, offset: null });
  }

  #add(entry: HistoryEntry): Promise<void> {
    return appendFile(this.path, `${JSON.stringify(entry)}\n`);
  }
}

/**
 * Whether the answer says that no submission of that key is in the log. Only a refusal says so: who is interrupted, or
 * gets no answer, does not know, and a conflict is with a submission of that key which the log has.
 */
function isRefusal(error: unknown): boolean {
  return error instanceof CliError && error.exit === 'refused' && error.details['status'] !== 409;
}
