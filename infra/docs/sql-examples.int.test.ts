// Every query that a document shows is executed on the migrated tables, filled from a log with whole jobs, refusals,
// parked claims, stale epochs and claims decided twice in it (which no sound log has). Each query must find something.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { rebuild } from '../../services/projector/rebuild.js';
import { codec, openTestLog, verified } from '../../services/projector/testing/projection-setup.js';
import { sampleFact } from '../../services/projector/testing/sample-facts.js';
import type { ListeningDatabase } from '../../services/runtime/postgres/listening-database.js';
import { openPgliteDatabase } from '../../services/runtime/postgres/pglite-database.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { migrate } from '../sql/migrate.js';
import { fencedBlocks } from './markdown.js';

const documents = ['README.md', 'runbook.md', 'failure_playbook.md'];
const queries = documents.flatMap((document) => fencedBlocks(readFileSync(join(projectRoot, document), 'utf8')).filter((block) => block.language === 'sql').map((block) => ({ ...block, document })));

describe('the queries of the documents', () => {
  let db: ListeningDatabase;
  let variables: ReadonlyMap<string, string>;

  before(async () => {
    db = await openPgliteDatabase();
    await migrate(db);
    let nowMs = Date.now() - 60_000;
    const { log, fill } = openTestLog(2, () => (nowMs += 3));
    await fill(9);
    const { baseOffset: epoch } = await log.append({ topic: verified, partition: 0, records: [{ key: Buffer.alloc(0), value: codec.encode(sampleFact('EpochStarted', { epoch: -1, job: '', step: '', agent: '', attempt: 0, instance: -1, cause: -1 })) }] });
    const open = 'ab'.repeat(16);
    const further = [
      sampleFact('JobAccepted', { epoch, job: open, instance: 900_000, cause: 900_000, step: '', agent: '', attempt: 0 }),
      sampleFact('StepRequested', { epoch, job: open, instance: 900_000 }),
      sampleFact('ClaimParked', { epoch, cause: 900_001 }),
      sampleFact('ClaimDeadLettered', { epoch, cause: 900_002, job: '', step: '', agent: '', attempt: 0, instance: -1 }),
    ];
    await log.append({ topic: verified, partition: 0, records: further.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact) })) });
    await rebuild({ log, codec, db, topic: verified });
    const [row] = await db.query<{ job: string; step: string; hash: string }>('SELECT job, step, hash FROM artifacts ORDER BY job LIMIT 1');
    assert.ok(row !== undefined);
    variables = new Map([...Object.entries(row), ['partition', '0'], ['offset', '900000']]);
  });
  after(() => db.close());

  it('are there', () => assert.ok(queries.length > 25, `${queries.length} queries found`));

  for (const { document, heading, text } of queries) {
    it(`${document}, ${heading}: ${text.split('\n')[0]?.slice(0, 60)}`, async () => {
      const rows = await db.query(filled(text, variables, heading));
      assert.ok(rows.length > 0, 'it finds nothing in tables that hold what it asks for');
    });

    if (text.includes('-- reads an index of all rows')) continue;
    it(`${document}, ${heading}: reads a part of the audit rows, however many there are`, async () => {
      // With these, a plan without a condition that an index knows has no other way than to read the whole table.
      const plan = await db.transaction(async (tx) => {
        for (const scan of ['seqscan', 'indexscan', 'indexonlyscan']) await tx.query(`SET LOCAL enable_${scan} = off`);
        const [row] = await tx.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (FORMAT JSON) ${filled(text, variables, heading)}`);
        return row?.['QUERY PLAN'];
      });
      for (const node of nodesOf(plan)) {
        if (node['Relation Name'] === 'audit_rows') assert.equal(node['Node Type'], 'Bitmap Heap Scan');
        if (node['Node Type'] === 'Bitmap Index Scan') assert.ok(node['Index Cond'] !== undefined || ofRareRows.test(node['Index Name'] ?? ''), `all of ${node['Index Name']}`);
      }
    });
  }
});

const ofRareRows = /^audit_rows_(stale|rejected|low_rubric)$/;

type PlanNode = Readonly<Partial<Record<'Relation Name' | 'Node Type' | 'Index Name' | 'Index Cond', string>>>;

function nodesOf(plan: unknown): readonly PlanNode[] {
  if (plan === null || typeof plan !== 'object') return [];
  return [plan, ...Object.values(plan).flatMap(nodesOf)];
}

/** Puts values where psql would put its variables. */
function filled(sql: string, variables: ReadonlyMap<string, string>, heading: string): string {
  // The page on lost facts asks from an offset on; anywhere else it is where a submission was appended.
  const valueOf = (name: string): string => (name === 'offset' && heading.startsWith('C4') ? '3' : variables.get(name) ?? assert.fail(`no value for :${name}`));
  return sql.replaceAll(/:'(\w+)'/g, (_all, name: string) => `'${valueOf(name)}'`).replaceAll(/(?<![:\w]):(\w+)/g, (_all, name: string) => valueOf(name));
}
