import { describeAccess } from './topology-table.js';
import { drawTopology } from '../../topics/graph.js';

/** The text of docs/topology.md. */
export function topologyPage(): string {
  return `# Topology

Made from \`topics/topics.ts\` by \`infra/docs/write-topology.ts\`; a test holds the two equal. Creation of topics and the
broker's access lists come from the same data.

${describeAccess()}
Solid: writes. Dotted: reads.

\`\`\`mermaid
${drawTopology()}\`\`\`
`;
}
