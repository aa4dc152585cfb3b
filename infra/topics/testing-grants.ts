// For tests: access lists that do not come from the topology.

import type { AclEntry } from 'kafkajs';
import type { KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { entryText } from './acl-drift.js';
import { withAdmin } from './admin.js';
import { onceShown } from './once-shown.js';

const any = { resourceType: 1, resourcePatternType: 1, operation: 1, permissionType: 1 } as const;

/** Makes them, and waits until the broker goes by them: it answers before. */
export async function makeGrants(connection: KafkaConnection, acl: readonly AclEntry[]): Promise<void> {
  const wanted = new Set(acl.map(entryText));
  await withAdmin(connection, async (admin) => {
    await admin.createAcls({ acl: [...acl] });
    await onceShown(
      async () => new Set((await admin.describeAcls(any)).resources.flatMap((resource) => resource.acls.map((one) => entryText({ ...resource, ...one })))),
      (shown) => [...wanted].every((text) => shown.has(text)),
    );
  });
}
