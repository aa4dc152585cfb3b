// Java's murmur2 partitioner, as the Java client and kafkajs choose a partition by key: a job's claims and facts
// share a partition number on every log. Both logs of a blackboard are useless if this changes.

const multiplier = 0x5bd1e995;

/** The 32-bit signed murmur2 hash of the Java client (`org.apache.kafka.common.utils.Utils.murmur2`). */
export function murmur2(bytes: Buffer): number {
  const { length } = bytes;
  const whole = length & ~3;
  let hash = 0x9747b28c ^ length;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (length > whole) {
    if (length - whole === 3) hash ^= (bytes[whole + 2] as number) << 16;
    if (length - whole >= 2) hash ^= (bytes[whole + 1] as number) << 8;
    hash = Math.imul(hash ^ (bytes[whole] as number), multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition (0 ≤ p < `partitions`) of a record key: `toPositive(murmur2(key)) % partitions`. */
export function partitionFor(key: Buffer, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1) throw new RangeError(`a topic has at least one partition, not ${String(partitions)}`);
  return (murmur2(key) & 0x7fffffff) % partitions;
}
