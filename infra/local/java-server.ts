// How our local servers run Java: small heap, few threads, quick start. Not for benchmarks of peak throughput.
import { BlackboardError } from '../../services/runtime/errors.js';
import { findJava } from './needs.js';

/** The java program. Throws KAFKA_UNAVAILABLE, naming what was found, when it is missing or too old. */
export async function javaProgram(): Promise<string> {
  const java = await findJava();
  if (java.ok && java.path !== undefined) return java.path;
  throw new BlackboardError('KAFKA_UNAVAILABLE', `Kafka and its registry need Java 17 or newer (found: ${java.found}): ${java.hint}. Or set KAFKA_BROKERS to a broker that runs.`);
}

/** The flags of a server that starts fast; `fullSpeed` leaves the optimising compiler on. */
export function javaFlags({ heapMb, fullSpeed = false }: { heapMb: number; fullSpeed?: boolean }): string[] {
  return [`-Xmx${heapMb}m`, '-XX:+UseSerialGC', ...(fullSpeed ? [] : ['-XX:TieredStopAtLevel=1']), '-Djava.net.preferIPv4Stack=true'];
}
