// Whether a broker flushes each record of a topic to disk before it answers, as Postgres with fsync does.

import kafkajs from 'kafkajs';
import { rawClient } from './raw-kafka.js';

const topicsOwn = 1;

/** Changes nothing else of the topics' configuration. @param brokers without authentication. */
export async function flushTopics(brokers: string[], topics: readonly string[], isFlushed: boolean): Promise<void> {
  const admin = rawClient(brokers).admin();
  await admin.connect();
  try {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })) });
    await admin.alterConfigs({ validateOnly: false, resources: resources.map(({ resourceName, configEntries }) => {
      // The request replaces what a topic has of its own: all of it is said again.
      const kept = configEntries.filter((entry) => (entry.configSource as number) === topicsOwn && entry.configName !== 'flush.messages').map((entry) => ({ name: entry.configName, value: entry.configValue }));
      return { type: kafkajs.ConfigResourceTypes.TOPIC, name: resourceName, configEntries: isFlushed ? [...kept, { name: 'flush.messages', value: '1' }] : kept };
    }) });
  } finally {
    await admin.disconnect();
  }
}
