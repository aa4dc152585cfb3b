import { groupName } from '../../topics/groups.js';
import type { Logger } from '../runtime/logger.js';
import { refuseOtherTopics } from '../runtime/postgres/refuse-other-topics.js';
import { databaseIdentity } from './database-identity.js';
import { runProjector, type Projector, type ProjectorOptions } from './run-projector.js';

export interface StartProjectorOptions extends Omit<ProjectorOptions, 'onHalt' | 'onDatabaseAway' | 'group'> {
  readonly logger: Logger;
  /** Default: a name of the database, see `databaseIdentity`. */
  readonly group?: string;
  /** Put behind that name, on a copy of the server's files. */
  readonly groupSuffix?: string;
}

export interface StartedProjector {
  readonly projector: Projector;
  /** Resolves with the error that stopped it for good. */
  readonly halted: Promise<Error>;
  close(): Promise<void>;
}

/**
 * The projector as a part of a process: says in the logger what its operator must know.
 * @throws BlackboardError CONFLICT: the database is another blackboard's.
 */
export async function startProjector(options: StartProjectorOptions): Promise<StartedProjector> {
  const { logger } = options;
  await refuseOtherTopics(options.db, options.topic);
  let halt: (error: Error) => void = () => undefined;
  const halted = new Promise<Error>((resolve) => { halt = resolve; });
  const group = options.group ?? await groupOf(options);
  logger.info({ group }, 'projecting; all projectors of this group share the partitions, so that each must have this database, not a copy of it');
  const projector = await runProjector({
    ...options,
    group,
    onHalt: halt,
    onDatabaseAway: (error) => {
      if (error === null) logger.info('Postgres answers again; projecting goes on where it stood');
      else logger.error({ error }, 'Postgres does not take rows: outcomes are not visible until it does. Nothing is lost; trying on');
    },
  });
  return { projector, halted, close: () => projector.stop() };
}

async function groupOf({ db, topic, groupSuffix }: StartProjectorOptions): Promise<string> {
  // Parts go behind dots: the access lists open what begins with the group of the role and a dot.
  const parts = [groupName({ name: 'projector', role: 'projector' }, topic.replace(/verified$/, '')), await databaseIdentity(db)];
  return [...parts, ...(groupSuffix === undefined ? [] : [groupSuffix])].join('.');
}
