// node read-facts.mjs GROUP
// Reads bb.verified with kafkajs alone and prints the facts that count, one JSON line each, until SIGTERM.
//
// A fact counts if and only if its epoch is the newest marker before it in its partition. A marker is an EpochStarted,
// and its epoch is its own offset. What an owner writes after it was replaced is in the topic, but is no fact.
//
// KAFKA_BROKERS host:port,…        BLACKBOARD_TOPIC_PREFIX default bb.
// @ts-check

import kafkajs from 'kafkajs';

const { KAFKA_BROKERS = 'localhost:9092', BLACKBOARD_TOPIC_PREFIX = 'bb.' } = process.env;
const kafka = new kafkajs.Kafka({ clientId: 'read-facts', brokers: KAFKA_BROKERS.split(','), logLevel: kafkajs.logLevel.ERROR });
const consumer = kafka.consumer({ groupId: process.argv[2] ?? 'foreign-reader', readUncommitted: true });

/** @type {Map<number, number>} epoch in force by partition; from offset 0 on it is known from the first marker */
const epochs = new Map();

await consumer.connect();
await consumer.subscribe({ topic: `${BLACKBOARD_TOPIC_PREFIX}verified`, fromBeginning: true });
await consumer.run({
  // Positions are not stored here: whoever stores one must store the epoch in force with it, or begin at a marker again.
  autoCommit: false,
  eachMessage: async ({ partition, message }) => {
    const fact = peek(/** @type {Buffer} */ (message.value));
    const offset = Number(message.offset);
    if (fact.type === 'EpochStarted') epochs.set(partition, offset);
    else if (fact.epoch === epochs.get(partition)) process.stdout.write(`${JSON.stringify({ partition, offset, ...fact })}\n`);
  },
});
process.once('SIGTERM', () => void consumer.disconnect());

/** The first fields of every event, which are the same for all: type, step, agent, epoch, cause, tenant, job. The
 * rest needs the schema that the id in bytes 1 to 4 names. @param {Buffer} value */
function peek(value) {
  let at = 5;
  const long = () => {
    let result = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = value[at++] ?? 0;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number((result >> 1n) ^ -(result & 1n));
    }
  };
  const text = () => {
    const end = long() + at;
    const found = value.toString('utf8', at, end);
    at = end;
    return found;
  };
  return { type: text(), step: text(), agent: text(), epoch: long(), cause: long(), tenant: text(), job: text() };
}
