// A projector in a process of its own, to be killed: it makes the repeatable log and projects it into DATABASE_URL.

import { openPgDatabase } from '../../runtime/postgres/pg-database.js';
import { seamsFromEnvironment } from '../../runtime/seams.js';
import { runProjector } from '../run-projector.js';
import { openRepeatableLog, projectorOptions, untilRows } from './projection-setup.js';

const { log, records } = await openRepeatableLog(Number(process.env['JOBS']));
const db = openPgDatabase({ connectionString: process.env['DATABASE_URL'] ?? '' });
const projector = await runProjector(projectorOptions(log, db, { rowsMax: 300, bytesPerPartitionMax: 64 * 1024, seams: seamsFromEnvironment(process.env) }));
await untilRows(db, records, 60_000);
await projector.stop();
await db.close();
await log.close();
