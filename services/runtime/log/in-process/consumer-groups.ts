// The consumer groups of a log in this process. Partition p of all topics of a group belongs to one member; a member
// that loses a partition is told before another one gains it.

import { BlackboardError } from '../../errors.js';
import type { TopicName } from '../../../../topics/topics.js';
import type { Member, Membership } from '../port.js';
import { assignPartitions } from './assign-partitions.js';
import { GroupMember } from './group-member.js';
import type { PositionStore, RecordStore, Schedule } from './record-store.js';

interface Group {
  readonly topics: string;
  readonly partitions: number;
  readonly members: Set<GroupMember>;
  rebalancing: Promise<void> | undefined;
}

export interface GroupSeams {
  readonly store: RecordStore;
  readonly positions: PositionStore;
  readonly schedule: Schedule;
  /** When what has been appended is delivered; what comes until then is in the same batch. Default: `schedule`. */
  readonly fetch?: Schedule;
}

export class ConsumerGroups {
  private readonly groups = new Map<string, Group>();

  constructor(private readonly seams: GroupSeams) {}

  /**
   * Resolves when the member has its first assignment.
   * @throws BlackboardError TOPOLOGY_INVALID: the topics differ in partitions, or from those of the group's members.
   */
  async join(membership: Membership, joined: (member: GroupMember) => void = () => {}): Promise<Member> {
    const group = this.groupOf(membership);
    const member: GroupMember = new GroupMember(membership, {
      ...this.seams,
      remove: (gone) => { this.remove(gone); },
    });
    group.members.add(member);
    joined(member);
    await this.rebalance(group);
    return member;
  }

  /** By name: a member that was evicted and has joined again is in another group object than it began in. */
  private remove(member: GroupMember): void {
    const name = member.membership.group;
    const group = this.groups.get(name);
    if (group === undefined || !group.members.delete(member)) return;
    if (group.members.size === 0) this.groups.delete(name);
    else void this.rebalance(group);
  }

  /** Takes an evicted member back. */
  async rejoin(member: GroupMember): Promise<void> {
    if (!member.rejoin()) return;
    const group = this.groupOf(member.membership);
    group.members.add(member);
    await this.rebalance(group);
  }

  /** Records of a partition have become visible. */
  appended(topic: TopicName, partition: number): void {
    for (const group of this.groups.values()) for (const member of group.members) member.appended(topic, partition);
  }

  /** Records of a partition were taken, and are not durable yet. */
  taken(topic: TopicName, partition: number): void {
    for (const group of this.groups.values()) for (const member of group.members) member.taken(topic, partition);
  }

  private groupOf({ group: name, topics }: Membership): Group {
    const counts = new Set(topics.map((topic) => this.seams.store.partitionCount(topic)));
    const [partitions] = counts;
    if (partitions === undefined || counts.size !== 1) {
      throw new BlackboardError('TOPOLOGY_INVALID', `the group ${name} reads topics of different partition counts (${topics.join(', ')}); read them in groups of their own`);
    }
    const known = this.groups.get(name);
    const wanted = [...topics].sort().join(' ');
    if (known !== undefined && known.topics !== wanted) {
      throw new BlackboardError('TOPOLOGY_INVALID', `the members of group ${name} read ${known.topics}, the new one ${wanted}; all members of a group read the same topics`);
    }
    const group = known ?? { topics: wanted, partitions, members: new Set<GroupMember>(), rebalancing: undefined };
    this.groups.set(name, group);
    return group;
  }

  /** Members that come and go in one turn share a rebalance. */
  private rebalance(group: Group): Promise<void> {
    group.rebalancing ??= new Promise((resolve) => {
      this.seams.schedule(() => {
        group.rebalancing = undefined;
        const assigned = assignPartitions(new Map([...group.members].map((member) => [member, member.partitions])), group.partitions);
        const losers = [...assigned].sort(([a], [b]) => Number(loses(b, assigned)) - Number(loses(a, assigned)));
        for (const [member, partitions] of losers) if (group.members.has(member)) member.assign(partitions);
        resolve();
      });
    });
    return group.rebalancing;
  }
}

function loses(member: GroupMember, assigned: ReadonlyMap<GroupMember, readonly number[]>): boolean {
  const after = new Set(assigned.get(member));
  return member.partitions.some((partition) => !after.has(partition));
}
