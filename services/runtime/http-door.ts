// What every HTTP door of ours shares: bodies as raw bytes up to a limit (each door parses them strictly itself), and
// errors as {code, message, hint} with a code of the catalogue. What a stranger sends is never quoted back, and an
// error that is ours is logged whole and shown as INTERNAL.

import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { BlackboardError, type ErrorCode } from './errors.js';
import type { Logger } from './logger.js';

export interface DoorOptions {
  readonly logger: Logger;
  readonly bodyBytesMax: number;
  /** Media types whose bodies the door takes, as raw bytes (`request.body` is a Buffer). */
  readonly mediaTypes: readonly string[];
}

/** A refusal at a door: thrown by handlers, answered as JSON. */
export class DoorError extends Error {
  override readonly name = 'DoorError';

  constructor(
    readonly answer: { readonly status: number; readonly code: ErrorCode | 'INTERNAL' },
    message: string,
    /** What the caller can do now. */
    readonly hint: string,
    /** Further members of the answer (`reason`, `field`, `rule`), and seconds after which to try again. */
    readonly more: { readonly members?: Readonly<Record<string, unknown>>; readonly retryAfterS?: number } = {},
  ) {
    super(message);
  }
}

export function createDoor(options: DoorOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: options.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyBytesMax,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: 120_000,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  }) as unknown as FastifyInstance;
  app.removeAllContentTypeParsers();
  for (const type of options.mediaTypes) app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new DoorError({ status: 404, code: 'NOT_FOUND' }, 'there is no such route', 'See the API description for the routes and their methods.');
  });
  return app;
}

async function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const door = toDoorError(error);
  if (door.answer.code === 'INTERNAL') request.log.error({ err: error, route: request.routeOptions.url ?? '' }, 'a request failed for a reason of our own');
  if (door.more.retryAfterS !== undefined) reply.header('retry-after', String(door.more.retryAfterS));
  return reply.code(door.answer.status).send({ code: door.answer.code, message: door.message, hint: door.hint, ...door.more.members });
}

function toDoorError(error: unknown): DoorError {
  if (error instanceof DoorError) return error;
  if (error instanceof BlackboardError) {
    const status = statusByCode[error.code];
    if (status !== undefined) return new DoorError({ status, code: error.code }, error.message, 'Change what the message names and send the request again.');
  }
  const { statusCode, code, validation } = error as { statusCode?: unknown; code?: unknown; validation?: readonly ValidationEntry[] };
  if (Array.isArray(validation) && validation[0] !== undefined) return fromValidation(validation[0] as ValidationEntry);
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) return fromFastify(statusCode, String(code));
  return new DoorError({ status: 500, code: 'INTERNAL' }, 'the request could not be served', 'The log of the service says why. Try again later.');
}

const statusByCode: Partial<Record<ErrorCode, number>> = { INPUT_INVALID: 400, NOT_FOUND: 404, CONFLICT: 409, UNAUTHENTICATED: 401 };

/** One broken rule of a schema, as validators hand it to Fastify. */
interface ValidationEntry {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** The field and the rule. Names of unknown fields are the only text of the caller that is shown, and that cut and cleaned. */
function fromValidation(entry: ValidationEntry): DoorError {
  const keys = entry.params?.['keys'];
  const unknown = Array.isArray(keys) ? String(keys[0]) : '';
  const path = [...entry.instancePath.split('/').filter((part) => part !== ''), ...(unknown === '' ? [] : [unknown])].join('.');
  const field = path.replace(/[^\w.-]/g, '?').slice(0, 120);
  const rule = unknown === '' ? entry.keyword : 'unknown-field';
  const what = unknown === '' ? entry.message ?? 'it breaks a rule' : 'this route knows no such field';
  return new DoorError({ status: 400, code: 'INPUT_INVALID' }, `${field === '' ? 'the body' : field}: ${unknown === '' ? what.slice(0, 200) : what}`, 'Change the field that is named and send the request again.', { members: { field, rule } });
}

/** Fastify's own refusals, in our words. */
function fromFastify(statusCode: number, code: string): DoorError {
  if (statusCode === 413) return new DoorError({ status: 413, code: 'INPUT_INVALID' }, 'the body is larger than this door takes', 'Send less; large documents go by reference.', { members: { rule: 'size' } });
  if (statusCode === 415) return new DoorError({ status: 415, code: 'INPUT_INVALID' }, 'the content type is not one that this route takes', 'Set the content-type header that the API description names.', { members: { field: 'content-type', rule: 'media-type' } });
  return new DoorError({ status: statusCode, code: 'INPUT_INVALID' }, 'the request is not well-formed', 'Check the URL, the headers and the length of the body.', { members: { rule: code.toLowerCase() } });
}
