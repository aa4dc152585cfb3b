// For tests: access lists that do not come from the topology.

import type { AclEntry } from 'kafkajs';
import type { KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { entryText } from './acl-drift.js';
import { allAcls } from './acls.js';
import { withAdmin } from './admin.js';
import { onceShown } from './once-shown.js';

/** Makes them, and waits until the broker goes by them: it answers before. */
export async function makeGrants(connection: KafkaConnection, acl: readonly AclEntry[]): Promise<void> {
  const wanted = acl.map(entryText);
  await withAdmin(connection, async (admin) => {
    await admin.createAcls({ acl: [...acl] });
    await onceShown(
      async () => new Set((await allAcls(connection, admin)).map(entryText)),
      (shown) => wanted.every((text) => shown.has(text)),
    );
  });
}
