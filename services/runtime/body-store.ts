/** Content-addressed bodies behind a port: disk in embedded mode, Postgres otherwise. The store is truth, like the log. */
export interface BodyStore {
  /** Stores bodies durably under their SHA-256 (64 hex digits). Storing again is no error and tells nothing. */
  put(bodies: readonly { readonly hash: string; readonly bytes: Uint8Array }[]): Promise<void>;
  /** Null when it is not there. */
  get(hash: string): Promise<Buffer | null>;
  close(): Promise<void>;
}
