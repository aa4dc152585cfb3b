// What kafkajs 2.2.4 keeps to itself and we use: see broker-request.ts and calm-request-queue.ts.
/* eslint-disable import-x/no-default-export -- that is how kafkajs exports them */

declare module 'kafkajs/src/protocol/error.js' {
  /** A KafkaJSProtocolError with the protocol's name and whether it may heal. */
  export function createErrorFromCode(code: number): Error;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export interface HeldRequests {
    readonly pending: readonly unknown[];
    /** ms since 1970; in the past: nothing is held back. */
    readonly throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    checkPendingRequests(): void;
  }
  const RequestQueue: { readonly prototype: { scheduleCheckPendingRequests(this: HeldRequests): void } };
  export default RequestQueue;
}

// Its own codecs, which ours are held against in tests.
declare module 'kafkajs/src/protocol/recordBatch/v0/index.js' {
  export function RecordBatch(batch: Readonly<Record<string, unknown>>): Promise<{ readonly buffer: Buffer }>;
}
declare module 'kafkajs/src/protocol/recordBatch/record/v0/index.js' {
  export default function Record(record: Readonly<Record<string, unknown>>): unknown;
}
declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  export default function request(fetch: Readonly<Record<string, unknown>>): { encode(): Promise<{ readonly buffer: Buffer }> };
}
