// The arrays of topics, and of partitions in them, that requests and answers with records are made of.

/** By topic, in the order in which each comes first. */
export function groupByTopic<T extends { readonly topic: string }>(entries: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const byTopic = new Map<string, T[]>();
  for (const entry of entries) {
    const others = byTopic.get(entry.topic);
    if (others === undefined) byTopic.set(entry.topic, [entry]);
    else others.push(entry);
  }
  return byTopic;
}

/** Bytes of the array beside those of its partitions. */
export function topicArrayBytes(byTopic: ReadonlyMap<string, unknown>): number {
  let bytes = 4;
  for (const topic of byTopic.keys()) bytes += 2 + Buffer.byteLength(topic) + 4;
  return bytes;
}

/** Writes the array at `at`; `write` writes a partition and returns the position behind it, and so does this. */
export function writeTopicArray<T>(body: Buffer, at: number, byTopic: ReadonlyMap<string, readonly T[]>, write: (entry: T, at: number) => number): number {
  let position = body.writeInt32BE(byTopic.size, at);
  for (const [topic, entries] of byTopic) {
    position = body.writeInt16BE(Buffer.byteLength(topic), position);
    position += body.write(topic, position);
    position = body.writeInt32BE(entries.length, position);
    for (const entry of entries) position = write(entry, position);
  }
  return position;
}

/** Reads the array at `at`; `read` reads a partition and returns the position behind it, and so does this. */
export function readTopicArray(payload: Buffer, at: number, read: (topic: string, at: number) => number): number {
  let position = at + 4;
  for (let topicsLeft = payload.readInt32BE(at); topicsLeft > 0; topicsLeft -= 1) {
    const nameEnd = position + 2 + payload.readInt16BE(position);
    const topic = payload.toString('utf8', position + 2, nameEnd);
    position = nameEnd + 4;
    for (let left = payload.readInt32BE(nameEnd); left > 0; left -= 1) position = read(topic, position);
  }
  return position;
}
