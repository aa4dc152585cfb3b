// node produce.mjs WORKFLOW IDEMPOTENCY_KEY '{"param":"value"}'
// Writes one submission straight to quarantine with kafkajs; no code of the blackboard is used.
//
// KAFKA_BROKERS host:port,…        SCHEMA_REGISTRY_URL http://…        BLACKBOARD_TOPIC_PREFIX default bb.
// BLACKBOARD_KEYS_FILE the key file of your principal        TENANT the tenant that it may speak for
// @ts-check

import { readFileSync } from 'node:fs';
import kafkajs from 'kafkajs';
import { fingerprintOf, signedRecord } from './submission.mjs';

const [workflow = '', idempotencyKey = '', params = '{}'] = process.argv.slice(2);
const { KAFKA_BROKERS = 'localhost:9092', SCHEMA_REGISTRY_URL = '', BLACKBOARD_TOPIC_PREFIX = 'bb.', BLACKBOARD_KEYS_FILE = '', TENANT = 'default' } = process.env;
const topic = `${BLACKBOARD_TOPIC_PREFIX}quarantine`;

// The schema is looked up, not copied: its id is the registry's own, its fingerprint is the same everywhere.
const answer = await fetch(`${SCHEMA_REGISTRY_URL}/subjects/${topic}-blackboard.v1.JobSubmitted/versions/latest`);
if (!answer.ok) throw new Error(`the registry answers ${answer.status} for JobSubmitted: run "blackboard topics apply" first`);
const { id, schema } = await answer.json();

const [key] = JSON.parse(readFileSync(BLACKBOARD_KEYS_FILE, 'utf8'));
const record = signedRecord(
  { tenant: TENANT, idempotencyKey, workflow, params, atMs: Date.now() },
  { signer: `${key.principal}#${key.keyId}`, secret: Buffer.from(key.secret, 'base64') },
  { id, fingerprint: fingerprintOf(JSON.parse(schema)) },
);

const kafka = new kafkajs.Kafka({ clientId: 'foreign-producer', brokers: KAFKA_BROKERS.split(','), logLevel: kafkajs.logLevel.ERROR });
// The default of kafkajs 2 is Java's murmur2 partitioner. That of librdkafka is not.
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, idempotent: true, maxInFlightRequests: 1 });
await producer.connect();
// acks -1: of all replicas in sync. An error or a timeout means "unknown": send again, with the same idempotency key.
const [at] = await producer.send({ topic, acks: -1, messages: [record] });
await producer.disconnect();
process.stdout.write(`${JSON.stringify({ job: record.key, partition: at?.partition, offset: Number(at?.baseOffset) })}\n`);
