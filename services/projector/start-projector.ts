import { groupName } from '../../topics/groups.js';
import type { Logger } from '../runtime/logger.js';
import { refuseOtherTopics } from '../runtime/postgres/refuse-other-topics.js';
import { databaseIdentity } from './database-identity.js';
import { runProjector, type Projector, type ProjectorOptions } from './run-projector.js';

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
export async function startProjector(options: Omit<ProjectorOptions, 'onHalt' | 'onDatabaseAway' | 'group'> & { readonly logger: Logger; readonly group?: string }): Promise<StartedProjector> {
  const { logger } = options;
  await refuseOtherTopics(options.db, options.topic);
  let halt: (error: Error) => void = () => undefined;
  const halted = new Promise<Error>((resolve) => { halt = resolve; });
  const projector = await runProjector({
    ...options,
    group: options.group ?? `${groupName({ name: 'projector', role: 'projector' }, options.topic.replace(/verified$/, ''))}.${await databaseIdentity(options.db)}`,
    onHalt: halt,
    onDatabaseAway: (error) => {
      if (error === null) logger.info('Postgres answers again; projecting goes on where it stood');
      else logger.error({ error }, 'Postgres does not take rows: outcomes are not visible until it does. Nothing is lost; trying on');
    },
  });
  return { projector, halted, close: () => projector.stop() };
}
