import { topicName, topics } from '../../topics/topics.js';

/** The topology as a Markdown table: one row per topic. */
export function describeAccess(): string {
  const rows = topics.map((spec) => {
    const partitions = spec.partitions === 'shared' ? 'the blackboard\'s, never changed' : String(spec.partitions);
    return `| \`${topicName(spec.role)}\` | ${spec.holds} | ${spec.writers.join(', ')} | ${spec.readers.join(', ')} | ${spec.key} | ${partitions} |`;
  });
  return `| topic | holds | written by | read by | key | partitions |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n\n`;
}
