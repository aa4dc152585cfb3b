// Partition p of every topic of a membership goes to the same member, and stays there through a rebalance as long as
// the shares stay even: each member tells the leader what it holds. Every change of owner costs a restored partition.

import kafkajs, { type Assigner, type Cluster } from 'kafkajs';
import { BlackboardError } from '../../errors.js';

const { AssignerProtocol } = kafkajs;

export const coPartitionAssignerName = 'BlackboardCoPartition';

export interface GroupMemberHolding {
  readonly memberId: string;
  readonly held: readonly number[];
}

/** @param held - the partition numbers that this member holds now. */
export function coPartitionAssigner(cluster: Cluster, held: () => readonly number[]): Assigner {
  return {
    name: coPartitionAssignerName,
    version: 0,
    protocol: ({ topics }) => ({
      name: coPartitionAssignerName,
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.from(JSON.stringify(held())) }),
    }),
    assign: async ({ members, topics }) => {
      const partitions = commonPartitions(cluster, topics);
      const holdings = members.map(({ memberId, memberMetadata }) => ({ memberId, held: heldOf(memberMetadata) }));
      return [...share(partitions, holdings)].map(([memberId, numbers]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 0, userData: Buffer.alloc(0), assignment: Object.fromEntries(topics.map((topic) => [topic, [...numbers]])),
        }),
      }));
    },
  };
}

/** Even shares (they differ by one at most) that move as few partitions as possible. Pure; the order of members is theirs by id. */
export function share(partitions: readonly number[], members: readonly GroupMemberHolding[]): Map<string, number[]> {
  const sorted = [...members].sort((left, right) => (left.memberId < right.memberId ? -1 : 1));
  const free = new Set(partitions);
  const shares = new Map(sorted.map(({ memberId }) => [memberId, [] as number[]]));
  const smallest = Math.floor(partitions.length / sorted.length);
  let larger = partitions.length % sorted.length;
  // First what each holds, up to its share; who holds more than the smallest share gets the larger ones.
  for (const { memberId, held } of [...sorted].sort((left, right) => right.held.length - left.held.length)) {
    const own = shares.get(memberId)!;
    for (const partition of [...held].sort((left, right) => left - right)) {
      if (!free.has(partition) || own.length > smallest || (own.length === smallest && larger === 0)) continue;
      if (own.length === smallest) larger -= 1;
      own.push(partition);
      free.delete(partition);
    }
  }
  for (const partition of [...free].sort((left, right) => left - right)) {
    const least = sorted.reduce((least, member) => (shares.get(member.memberId)!.length < shares.get(least.memberId)!.length ? member : least));
    shares.get(least.memberId)!.push(partition);
  }
  for (const own of shares.values()) own.sort((left, right) => left - right);
  return shares;
}

/** The partition numbers of an assignment, in order; undefined when the topics differ in them. */
export function coPartitioned(topics: readonly string[], assignment: Readonly<Record<string, readonly number[]>>): readonly number[] | undefined {
  const lists = topics.map((topic) => [...(assignment[topic] ?? [])].sort((left, right) => left - right));
  return lists.every((list) => list.join() === lists[0]!.join()) ? lists[0] : undefined;
}

function commonPartitions(cluster: Cluster, topics: readonly string[]): number[] {
  const counts = topics.map((topic) => cluster.findTopicPartitionMetadata(topic).length);
  if (counts.some((count) => count !== counts[0]) || (counts[0] ?? 0) === 0) {
    throw new BlackboardError('TOPOLOGY_DRIFT', `the topics ${topics.join(', ')} have ${counts.join(', ')} partitions; one membership needs the same number of each, and at least one`);
  }
  return Array.from({ length: counts[0]! }, (_, partition) => partition);
}

function heldOf(metadata: Buffer): number[] {
  const userData = AssignerProtocol.MemberMetadata.decode(metadata)?.userData;
  if (userData === undefined || userData.length === 0) return [];
  try {
    const held: unknown = JSON.parse(userData.toString('utf8'));
    return Array.isArray(held) ? held.filter((number): number is number => Number.isInteger(number)) : [];
  } catch {
    // Another version's member: it only loses its claim to stay where it is.
    return [];
  }
}
