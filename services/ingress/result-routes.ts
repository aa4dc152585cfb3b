// The answer of a job. It is given out only when its rows are committed; waiting for it is bounded.

import { z } from 'zod';
import { goneSignal, noJob, waitersMax, type IngressParts, type Routes } from './routes.js';
import { through } from '../runtime/seams.js';
import type { Found } from './find-job.js';
import type { StoredResult } from './job-reader.js';
import { readResultBody } from './result-body.js';
import { errorView, jobParams, resultQuery, resultView, statusView } from './schemas.js';

const markdown = 'text/markdown';
const octets = 'application/octet-stream';

export function addResultRoutes({ app, parts, finder, caller }: Routes): void {
  app.get('/v1/jobs/:job/result', {
    schema: {
      summary: "A job's outcome and result",
      description: `Waits up to ?wait= seconds until the outcome is committed; 202 when it is not by then. Accept: ${markdown} renders where the contract is known, ${octets} gives the body as it is.`,
      params: jobParams, querystring: resultQuery,
      response: { 200: { description: 'The job has ended', content: { 'application/json': { schema: resultView }, [markdown]: { schema: z.string() }, [octets]: { schema: z.any() } } }, 202: statusView, '4xx': errorView, '5xx': errorView },
    },
  }, async (request, reply) => {
    const { job } = request.params;
    const { submission, wait } = request.query;
    const who = caller(request);
    const waitMs = parts.bell.waiting >= waitersMax ? 0 : wait * 1000;
    const found = await finder.until(() => finder.find(who, job, submission), isOver, { deadlineAtMs: Date.now() + waitMs, gone: goneSignal(reply) });
    if (found.is === 'nothing' || (found.is === 'submission' && found.view.state !== 'submitted')) throw noJob(found);
    if (found.is !== 'job' || found.view.state !== 'ended') return reply.code(202).header('retry-after', '1').send(found.view);
    const stored = await parts.reader.result(job, found.view.instance);
    if (stored === null) return reply.type('application/json').send({ ...found.view, result: null });
    const { view } = found;
    const body = await through(parts.seams, 'ingress.fetch-body', () => readResultBody(stored, view, parts.gateway));
    const accepts = request.headers.accept ?? '';
    const render = Object.hasOwn(parts.renderers, stored.contract) ? parts.renderers[stored.contract] : undefined;
    if (accepts.includes(octets)) return reply.type(octets).send(body);
    if (accepts.includes(markdown) && render?.toMarkdown !== undefined) return reply.type(`${markdown}; charset=utf-8`).send(render.toMarkdown(body));
    return reply.type('application/json').send({ ...found.view, result: shown(stored, body, parts) });
  });
}

/** Nothing more will come of waiting. A job that is not there yet may come: its acceptance is not committed yet. */
function isOver(found: Found): boolean {
  return found.is === 'job' ? found.view.state === 'ended' : found.is === 'submission' && found.view.state !== 'submitted';
}

function shown(stored: StoredResult, body: Buffer, parts: IngressParts): z.output<typeof resultView>['result'] {
  const { type, contract, hash, size } = stored;
  const toJson = Object.hasOwn(parts.renderers, contract) ? parts.renderers[contract]?.toJson : undefined;
  return { type, contract, hash, size, value: toJson?.(body) ?? null, base64: toJson === undefined ? body.toString('base64') : null };
}
