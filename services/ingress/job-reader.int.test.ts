import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleFact } from '../projector/testing/sample-facts.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { openCaller } from './callers.js';
import { ingressRig } from './ingress-rig.js';
import { JobReader } from './job-reader.js';

const caller = openCaller;

describe('what ingress reads of Postgres', () => {
  it('looks once for all who are woken together, or submit together, and gives each its own job or none', async () => {
    const rig = await ingressRig();
    try {
      const ids = Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(32, '0'));
      await rig.say(0, ...ids.slice(1).map((job, index) => sampleFact('JobAccepted', { job, cause: index, instance: index, tenant: index % 2 === 0 ? 'acme' : 'zoo' })));
      const deadlineMs = Date.now() + 20_000;
      while ((await rig.db.query<{ jobs: number }>('SELECT count(*)::int AS jobs FROM jobs'))[0]?.jobs !== 39) {
        assert.ok(Date.now() < deadlineMs, 'the rows are there');
        await sleep(20);
      }
      let statements = 0;
      const reader = new JobReader({ ...rig.db, query: (sql, values) => { statements += 1; return rig.db.query(sql, values); } });
      const seen = await Promise.all(ids.map((job) => reader.job(caller, job)));
      assert.deepEqual(seen.map((view) => view?.job ?? null), [null, ...ids.slice(1)]);
      assert.equal(statements, 1);
      const own = await Promise.all(ids.map((job) => reader.job({ ...caller, tenant: 'zoo' }, job)));
      assert.deepEqual(own.filter((view) => view !== null).map((view) => view.tenant), Array.from({ length: 19 }, () => 'zoo'));
      assert.equal(await reader.job(caller, ids[1] as string, 987_654), null, 'another life of it');
      statements = 0;
      const submitted = await Promise.all([...ids, ids[1] as string].map((job) => reader.submitted(job)));
      assert.deepEqual(submitted.map((last) => last?.instance ?? null), [null, ...ids.slice(1).map((_, index) => index), 0], 'each of its own job id, also where two ask for one');
      assert.equal(statements, 1);
    } finally {
      await rig.close();
    }
  });

  it('lists the jobs of a tenant page by page, newest first, without reading those of others or sorting all', async () => {
    const rig = await ingressRig();
    try {
      const ids = Array.from({ length: 30 }, (_, index) => index.toString(16).padStart(32, '0'));
      for (const [index, job] of ids.entries()) await rig.say(0, sampleFact('JobAccepted', { job, cause: index, instance: index, tenant: index % 3 === 0 ? 'zoo' : 'acme' }));
      const deadlineMs = Date.now() + 20_000;
      while ((await rig.db.query<{ jobs: number }>('SELECT count(*)::int AS jobs FROM jobs'))[0]?.jobs !== 30) {
        assert.ok(Date.now() < deadlineMs, 'the rows are there');
        await sleep(20);
      }
      const asked: { readonly sql: string; readonly values: readonly unknown[] }[] = [];
      const reader = new JobReader({ ...rig.db, query: (sql, values = []) => { asked.push({ sql, values }); return rig.db.query(sql, values); } });
      const seen: string[] = [];
      let before: string | undefined;
      do {
        const page = await reader.jobs({ ...caller, tenant: 'acme' }, { limit: 6, before });
        seen.push(...page.jobs.map(({ job }) => job));
        before = page.next ?? undefined;
      } while (before !== undefined);
      assert.equal(asked.length, 4);
      const accepted = await rig.db.query<{ job: string }>("SELECT job FROM jobs WHERE tenant = 'acme' ORDER BY accepted_at DESC, job DESC");
      assert.deepEqual(seen, accepted.map(({ job }) => job));
      for (const { sql, values } of asked) {
        const plan = await rig.db.transaction(async (tx) => {
          await tx.query('SET LOCAL enable_seqscan = off');
          await tx.query('SET LOCAL plan_cache_mode = force_custom_plan');
          return JSON.stringify(await tx.query(`EXPLAIN (FORMAT JSON) ${sql}`, values));
        });
        assert.match(plan, /"Incremental Sort".*"jobs_tenant_accepted"/s);
      }
    } finally {
      await rig.close();
    }
  });

  it('answers 503 with a time to come back while the database is away', async () => {
    // Nobody listens at port 1.
    const db = openPgDatabase({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
    try {
      await assert.rejects(new JobReader(db).job(caller, '0'.repeat(32)), (error: { answer?: { status: number; code: string }; more?: { retryAfterS?: number } }) => {
        assert.deepEqual(error.answer, { status: 503, code: 'DATABASE_UNAVAILABLE' });
        assert.equal(error.more?.retryAfterS, 2);
        return true;
      });
    } finally {
      await db.close();
    }
  });
});
