// What an error of kafkajs means here. kafkajs wraps errors in one another; the innermost one decides.

interface KafkaJsError extends Error {
  readonly retriable?: boolean;
  /** The protocol's name, e.g. NOT_LEADER_FOR_PARTITION. */
  readonly type?: string;
}

/** The innermost error. */
export function rootCause(error: unknown): KafkaJsError {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return (current instanceof Error ? current : new Error(String(current))) as KafkaJsError;
}

/** A client that hangs: not even its own timeouts came. */
export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime';
}

const transport = new Set([
  'NoAnswerInTime',
  'KafkaJSConnectionError', 'KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError', 'KafkaJSLockTimeout',
  'KafkaJSBrokerNotFound', 'KafkaJSNoBrokerAvailableError', 'KafkaJSMetadataNotLoaded', 'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSGroupCoordinatorNotFound',
]);

/** The connection or what is known of the cluster is bad: begin again with a new client. */
export function isTransport(error: unknown): boolean {
  const { name, message } = rootCause(error);
  return transport.has(name) || unnamedTransport.test(message);
}

// kafkajs throws these as plain errors: a request met a connection that had ended, or a consumer between two lives.
const unnamedTransport = /^(Broker not connected|Consumer group was not initialized)/;

// kafkajs marks the last three as final; a broker that starts or a topic just made answers them for a moment.
const healing = new Set(['LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP', 'NOT_CONTROLLER']);

/** The same request may succeed later. */
export function isRetriable(error: unknown): boolean {
  const root = rootCause(error);
  if (isTransport(root)) return true;
  if (root.type !== undefined) return root.retriable === true || healing.has(root.type);
  return false;
}

/** The protocol's name of an error, or undefined. */
export function protocolType(error: unknown): string | undefined {
  return rootCause(error).type;
}
