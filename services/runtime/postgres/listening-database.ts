import type { Database } from '../database.js';

/** A database that can also wake its listeners (NOTIFY). A wake-up may be lost or repeated: it is a hint to look. */
export interface ListeningDatabase extends Database {
  /**
   * Calls `onPayload` for each notification on a channel until the returned function is called. After a lost
   * connection it listens again and calls `onPayload('')` once, since something may have been missed.
   */
  listen(channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>>;
}
