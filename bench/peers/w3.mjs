// What every peer's driver needs of the workload; the same code measures all systems.
import { createServer } from 'node:net';

const build = process.env.BENCH_BUILD ?? new URL('../../dist/', import.meta.url).href;
export const { serve } = await import(new URL('bench/w3/serve.js', build).href);
/** Servers that a peer needs: they end with its driver, however that ends. */
export const { startLeashed } = await import(new URL('infra/local/leashed-process.js', build).href);
export const { stepNames, stepResult, slowStepMs } = await import(new URL('bench/w3/workload.js', build).href);

// The SDKs of Restate and LangGraph use what Node has from 22 on.
Promise.withResolvers ??= function withResolvers() {
  let resolve;
  let reject;
  const promise = new this((yes, no) => { resolve = yes; reject = no; });
  return { promise, resolve, reject };
};

const isFree = (port) => new Promise((resolve) => {
  const probe = createServer().once('error', () => resolve(false)).listen(port, '127.0.0.1', () => { probe.close(() => resolve(true)); });
});

/** A port of the loopback that nobody has at the moment; below 32,768, since Temporal keeps ports in 16 signed bits. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** One step: the result before in, its own out; the middle one of a slow job takes its time. */
export async function runStep(step, job, previous, slow) {
  if (slow && step === 'research') await sleep(slowStepMs);
  return stepResult(step, job, previous);
}

/** {servers: {label: pid}, postgresUrl, …} as the runner says it. */
export const setup = JSON.parse(process.env.BENCH_SETUP ?? '{}');

/** Transactions and bytes of the write-ahead log so far. */
export function postgresTotals(pool) {
  return async () => {
    const { rows: [row] } = await pool.query("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::float8 AS tx, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes");
    return { transactions: row.tx, walBytes: row.bytes };
  };
}

export function processes(more = {}) {
  return () => ({ driver: [process.pid], ...Object.fromEntries(Object.entries(setup.servers ?? {}).map(([label, pid]) => [label, [pid]])), ...more });
}
