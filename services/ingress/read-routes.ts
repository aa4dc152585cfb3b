// The routes that read committed rows: status, list, artifacts, events, submissions.

import { DoorError } from '../runtime/http-door.js';
import { z } from 'zod';
import { goneSignal, noJob, noSuchJob, waitersMax, type Routes } from './routes.js';
import { pageRows, streamEvents } from './event-stream.js';
import { artifactView, errorView, jobParams, listQuery, listView, placeParams, statusQuery, statusView, submissionView } from './schemas.js';

const errors = { '4xx': errorView, '5xx': errorView } as const;
/** A stream waits so long for its job to be accepted. */
const acceptanceWaitMs = 30_000;

export function addReadRoutes({ app, parts, finder, caller }: Routes): void {
  const { reader, bell } = parts;

  app.get('/v1/jobs/:job', {
    schema: { summary: 'What a job is doing', description: 'With ?submission= it speaks of that very submission, and says why one was refused.', params: jobParams, querystring: statusQuery, response: { 200: statusView, ...errors } },
  }, async (request) => {
    const found = await finder.find(caller(request), request.params.job, request.query.submission);
    if (found.is === 'nothing') throw noSuchJob();
    return found.view;
  });

  app.get('/v1/jobs', {
    schema: { summary: 'Jobs, newest first', querystring: listQuery, response: { 200: listView, ...errors } },
  }, async (request) => {
    const { jobs, next } = await reader.jobs(caller(request), request.query);
    return { jobs: [...jobs], next };
  });

  app.get('/v1/jobs/:job/artifacts', {
    schema: { summary: 'Artifacts of a job in both namespaces, by reference', params: jobParams, querystring: statusQuery, response: { 200: z.object({ artifacts: z.array(artifactView) }), ...errors } },
  }, async (request) => {
    const found = await finder.find(caller(request), request.params.job, request.query.submission);
    if (found.is !== 'job') throw noJob(found);
    return { artifacts: [...await reader.artifacts(found.view.job, found.view.instance)] };
  });

  app.get('/v1/submissions/:partition/:offset', {
    schema: { summary: 'What became of a submission, by its place on quarantine', params: placeParams, response: { 200: submissionView, ...errors } },
  }, async (request) => {
    const view = await finder.submission(caller(request), request.params);
    if (view === null) throw new DoorError({ status: 404, code: 'NOT_FOUND' }, 'there is no such submission', 'Use the partition and offset that the submission was answered with.');
    return view;
  });

  app.get('/v1/jobs/:job/events', {
    schema: { summary: 'Committed audit rows of a job, as server-sent events', description: 'The id of an event is its offset; with Last-Event-ID the stream goes on behind it. It ends after JobEnded.', params: jobParams, querystring: statusQuery, response: errors },
  }, async (request, reply) => {
    if (bell.waiting >= waitersMax) throw new DoorError({ status: 503, code: 'OVERLOADED' }, 'too many callers wait already', 'Ask again after the seconds that Retry-After names.', { retryAfterS: 5 });
    const lastId = request.headers['last-event-id'] ?? '-1';
    if (typeof lastId !== 'string' || !/^(-1|\d{1,15})$/.test(lastId)) throw new DoorError({ status: 400, code: 'INPUT_INVALID' }, 'last-event-id: the id of an event of this stream', 'Leave the header out to read from the beginning.', { members: { field: 'last-event-id', rule: 'offset' } });
    const who = caller(request);
    const isSettled = (found: { readonly is: string; readonly view?: { readonly state: string } }): boolean => found.is !== 'submission' || found.view?.state !== 'submitted';
    const found = await finder.until(() => finder.find(who, request.params.job, request.query.submission), isSettled, { deadlineAtMs: Date.now() + acceptanceWaitMs, gone: goneSignal(reply) });
    if (found.is !== 'job') throw noJob(found);
    const { job, instance, state } = found.view;
    reply.hijack();
    try {
      await streamEvents({ response: reply.raw, bell, after: Number(lastId), isEnded: state === 'ended', read: (after) => reader.events({ job, instance }, after, pageRows) });
    } catch (error) {
      // The caller comes back with the id of the last event it has.
      request.log.error({ err: error, job }, 'an event stream was cut');
      reply.raw.destroy();
    }
  });
}
