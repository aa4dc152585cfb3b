// What kafkajs 2.2.4 keeps to itself and we use: see broker-request.ts.

declare module 'kafkajs/src/protocol/error.js' {
  /** A KafkaJSProtocolError with the protocol's name and whether it may heal. */
  export function createErrorFromCode(code: number): Error;
}

/* eslint-disable import-x/no-default-export -- that is how kafkajs exports them */
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
