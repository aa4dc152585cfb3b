// The one place where a model is asked. Which model answers is decided by two pure functions; an answer counts only
// as strict JSON of the caller's shape. Attempts are bounded, differ where the answer was at fault, and are all
// charged; then the named fallback; then MODEL_UNAVAILABLE. Nothing that the endpoint sent reaches an error or a log.

import { setTimeout as pause } from 'node:timers/promises';
import { CircuitBreakerPolicy, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import OpenAI from 'openai';
import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import { BlackboardError } from '../../runtime/errors.js';
import type { Logger } from '../../runtime/logger.js';
import { parseStrictJsonText } from '../../runtime/strict-json.js';
import { withSpan, type Span } from '../../runtime/telemetry.js';
import { answerShape, type AnswerShape } from './answer-shape.js';
import { ResponseRefused, boundedFetch } from './bounded-fetch.js';
import type { ModelConfig } from './model-config.js';

export interface ModelRequest {
  readonly system: string;
  readonly user: string;
  /** Name of the answer's shape: letters, digits, `_` and `-`, at most 64. */
  readonly name: string;
  /** JSON Schema of one object, as `z.toJSONSchema` gives it. */
  readonly shape: unknown;
  readonly tier?: 'standard' | 'higher';
  /** Time that all attempts may take together; MODEL_DEADLINE unless shorter. */
  readonly deadlineMs?: number;
  readonly traceparent?: string;
  readonly signal?: AbortSignal;
}

export const modelFailures = [
  'rate-limited', 'server-error', 'timeout', 'connection', 'protocol', 'too-large', 'unauthenticated', 'not-found', 'bad-request',
  'empty', 'cut', 'not-json', 'shape', 'refusal', 'content-filter', 'breaker-open', 'cancelled', 'deadline',
] as const;
export type ModelFailureKind = (typeof modelFailures)[number];

export interface ModelFailure {
  readonly kind: ModelFailureKind;
  /** The broken rule of strict JSON or of the shape, where the kind is `not-json`, `cut` or `shape`. */
  readonly rule: string;
  /** What the endpoint asked to wait, or -1. */
  readonly retryAfterMs: number;
}

export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
}

/** What a request cost, all attempts together: calls that were sent, and the tokens that the endpoint owned up to. */
export interface TotalUsage extends ModelUsage {
  readonly modelCalls: number;
}

export interface ModelAttempt {
  readonly model: string;
  readonly outcome: 'answered' | ModelFailureKind;
  readonly rule: string;
  readonly latencyMs: number;
  /** Null where the endpoint did not say: it may have charged for the attempt all the same. */
  readonly usage: ModelUsage | null;
  readonly variation: Variation['kind'];
}

export interface ModelAnswer {
  readonly value: Readonly<Record<string, unknown>>;
  /** The model that answered, as the endpoint names it. */
  readonly modelId: string;
  /** Name of the fallback that was taken, or `''`. */
  readonly fallbackTaken: string;
  readonly usage: TotalUsage;
  readonly attempts: readonly ModelAttempt[];
}

/** Effects of `askModel`, by name, so that a simulation can take their place. `complete` hides the key. */
export interface ModelDeps {
  readonly config: ModelConfig;
  complete(body: ChatCompletionCreateParamsNonStreaming, options: { timeout: number; signal?: AbortSignal }): Promise<unknown>;
  nowMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** From 0 up to 1. */
  random(): number;
  readonly breakers: Map<string, CircuitBreakerPolicy>;
  readonly logger?: Logger;
}

/** How an attempt differs from a plain one: a constraint named after the broken rule, room for more tokens, no `response_format`. */
interface Variation {
  readonly kind: 'none' | 'constraint' | 'tokens' | 'plain';
  readonly note: string;
  readonly tokensFactor: 1 | 2;
  readonly plain: boolean;
}

interface Call {
  readonly request: ModelRequest;
  readonly shape: AnswerShape;
  readonly deadlineAtMs: number;
  readonly attempts: ModelAttempt[];
}

type Outcome = { readonly value: Readonly<Record<string, unknown>>; readonly modelId: string } | ModelFailure;

/** True where a model can be asked at all. */
export function modelConfigured(config: ModelConfig): boolean {
  return config.MODEL_PRIMARY !== undefined;
}

/** The model to ask first. @throws BlackboardError MODEL_UNAVAILABLE where none is configured. */
export function pickPrimary(request: Pick<ModelRequest, 'tier'>, config: ModelConfig): string {
  const chosen = request.tier === 'higher' ? config.MODEL_HIGHER ?? config.MODEL_PRIMARY : config.MODEL_PRIMARY;
  if (chosen === undefined) throw new BlackboardError('MODEL_UNAVAILABLE', 'no model is configured here. Set MODEL_PRIMARY and OPENAI_API_KEY or OPENAI_BASE_URL, or let the agents work extractively.', { attempts: [] });
  return chosen;
}

/** The model to ask after `failure`, or null where another model would not help: wrong key, no time, nobody waiting. */
export function pickFallback(request: Pick<ModelRequest, 'tier'>, config: ModelConfig, failure: ModelFailure): string | null {
  if (['unauthenticated', 'cancelled', 'deadline'].includes(failure.kind)) return null;
  const fallback = config.MODEL_FALLBACK;
  return fallback === undefined || fallback === pickPrimary(request, config) ? null : fallback;
}

/** Effects on the real endpoint. */
export function createModelDeps(config: ModelConfig, logger?: Logger): ModelDeps {
  const client = new OpenAI({
    apiKey: config.OPENAI_API_KEY?.reveal() ?? 'none',
    baseURL: config.OPENAI_BASE_URL,
    maxRetries: 0,
    logLevel: 'off',
    fetch: boundedFetch(config.MODEL_ANSWER_BYTES_MAX),
  });
  return {
    config,
    complete: (body, options) => client.chat.completions.create(body, options),
    nowMs: Date.now,
    sleep: (ms, signal) => pause(ms, undefined, signal === undefined ? {} : { signal }),
    random: Math.random,
    breakers: new Map(),
    ...(logger === undefined ? {} : { logger }),
  };
}

/**
 * Asks the primary model, then the fallback, until an answer has the caller's shape.
 * @throws BlackboardError INPUT_INVALID for a shape or name that is not understood; MODEL_UNAVAILABLE with
 * `details.attempts` (to be charged) when no usable answer came, the time ran out, or the caller aborted.
 */
export async function askModel(request: ModelRequest, deps: ModelDeps): Promise<ModelAnswer> {
  const { config } = deps;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(request.name)) throw new BlackboardError('INPUT_INVALID', 'the name of an answer\'s shape must be 1 to 64 letters, digits, _ or -', { field: 'name' });
  const deadlineMs = Math.min(request.deadlineMs ?? config.MODEL_DEADLINE, config.MODEL_DEADLINE);
  const call: Call = { request, shape: answerShape(request.shape), deadlineAtMs: deps.nowMs() + deadlineMs, attempts: [] };
  const primary = pickPrimary(request, config);
  let outcome = await askOne(primary, call, deps);
  let fallbackTaken = '';
  if ('kind' in outcome) {
    const fallback = pickFallback(request, config, outcome);
    if (fallback !== null) {
      fallbackTaken = fallback;
      outcome = await askOne(fallback, call, deps);
    }
  }
  const { attempts } = call;
  if (!('kind' in outcome)) return { ...outcome, fallbackTaken, usage: total(attempts), attempts };
  throw new BlackboardError('MODEL_UNAVAILABLE', `no model gave a usable answer after ${attempts.length} ${attempts.length === 1 ? 'attempt' : 'attempts'} (last: ${outcome.kind}${outcome.rule && `, ${outcome.rule}`}). `
    + 'Nothing of it was used. Check the endpoint, the key and the model names, or raise MODEL_ATTEMPTS.', { attempts, usage: total(attempts), fallbackTaken });
}

async function askOne(model: string, call: Call, deps: ModelDeps): Promise<Outcome> {
  let variation: Variation = { kind: 'none', note: '', tokensFactor: 1, plain: false };
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await attemptOnce(model, variation, call, deps);
    if (!('kind' in outcome)) return outcome;
    deps.logger?.warn({ model, attempt, failure: outcome.kind, rule: outcome.rule }, 'a model attempt failed');
    if (attempt >= deps.config.MODEL_ATTEMPTS) return outcome;
    const next = vary(outcome, variation, attempt);
    const waitMs = outcome.retryAfterMs >= 0 ? outcome.retryAfterMs : next?.backOff === true ? deps.random() * Math.min(4000, 250 * 2 ** attempt) : 0;
    // A wait that leaves no time, or is longer than we are willing to wait, is a reason to take the fallback now.
    if (next === null || waitMs > deps.config.MODEL_RETRY_AFTER_MAX || deps.nowMs() + waitMs >= call.deadlineAtMs) return outcome;
    if (waitMs > 0) await deps.sleep(waitMs, call.request.signal).catch(() => undefined);
    variation = next;
  }
}

/** What to change after `failure`, or null where another attempt at the same model would fail alike. */
function vary(failure: ModelFailure, last: Variation, attempt: number): (Variation & { readonly backOff: boolean }) | null {
  switch (failure.kind) {
    case 'rate-limited': case 'server-error': case 'timeout': case 'connection': case 'protocol':
      return { ...last, backOff: true };
    case 'cut':
      return { ...last, kind: 'tokens', tokensFactor: 2, note: note(attempt, 'was cut off; answer more briefly'), backOff: false };
    case 'too-large':
      return { ...last, kind: 'constraint', note: note(attempt, 'was too large; answer more briefly'), backOff: false };
    case 'empty': case 'not-json': case 'shape':
      return { ...last, kind: 'constraint', note: note(attempt, `was refused (${failure.kind}${failure.rule && `: ${failure.rule}`})`), backOff: false };
    case 'bad-request':
      // Many compatible endpoints know no json_schema: the schema then goes into the text.
      return last.plain ? null : { ...last, kind: 'plain', plain: true, backOff: false };
    default:
      return null;
  }
}

function note(attempt: number, problem: string): string {
  return `Attempt ${attempt + 1}: the previous answer ${problem}. Answer with exactly one JSON object of the given schema: no code fence, no other text, no key twice.`;
}

async function attemptOnce(model: string, variation: Variation, call: Call, deps: ModelDeps): Promise<Outcome> {
  const { request } = call;
  const startedAtMs = deps.nowMs();
  const remainingMs = call.deadlineAtMs - startedAtMs;
  if (request.signal?.aborted === true) return failed('cancelled');
  if (remainingMs <= 0) return failed('deadline');
  const attributes = () => ({ 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': model, 'gen_ai.output.type': 'json', 'server.address': new URL(deps.config.OPENAI_BASE_URL).hostname });
  return withSpan(`chat ${model}`, attributes, request.traceparent ?? '', async (span) => {
    const options = { timeout: Math.min(deps.config.MODEL_TIMEOUT, remainingMs), ...(request.signal === undefined ? {} : { signal: request.signal }) };
    let outcome: Outcome;
    let usage: ModelUsage | null = null;
    try {
      const completion = await breakerOf(model, deps).execute(() => deps.complete(bodyOf(model, variation, call, deps.config), options));
      usage = usageOf(completion, model, deps.config);
      outcome = readCompletion(completion, model, call.shape);
    } catch (error) {
      outcome = classify(error);
      if (outcome.kind === 'timeout' && remainingMs <= deps.config.MODEL_TIMEOUT) outcome = failed('deadline');
    }
    const failure = 'kind' in outcome ? outcome : null;
    call.attempts.push({ model, outcome: failure?.kind ?? 'answered', rule: failure?.rule ?? '', latencyMs: deps.nowMs() - startedAtMs, usage, variation: variation.kind });
    describeSpan(span, outcome, usage);
    return outcome;
  });
}

function describeSpan(span: Span, outcome: Outcome, usage: ModelUsage | null): void {
  if (usage !== null) span.set({ 'gen_ai.usage.input_tokens': usage.inputTokens, 'gen_ai.usage.output_tokens': usage.outputTokens });
  if ('kind' in outcome) span.fail(outcome.kind);
  else span.set({ 'gen_ai.response.model': outcome.modelId });
}

function bodyOf(model: string, variation: Variation, { request, shape }: Call, config: ModelConfig): ChatCompletionCreateParamsNonStreaming {
  const schemaNote = variation.plain ? `Answer with one JSON object of this JSON Schema:\n${JSON.stringify(shape.schema)}` : '';
  const system = [request.system, schemaNote, variation.note].filter((part) => part !== '').join('\n\n');
  const tokensMax = config.MODEL_OUTPUT_TOKENS_MAX * variation.tokensFactor;
  return {
    model,
    messages: [{ role: 'system', content: system }, { role: 'user', content: request.user }],
    // Endpoints that refuse the newer form (`plain`) know the older name of the limit.
    ...(variation.plain ? { max_tokens: tokensMax } : { max_completion_tokens: tokensMax, response_format: { type: 'json_schema', json_schema: { name: request.name, schema: { ...shape.schema }, strict: true } } }),
  };
}

/** The answer inside a completion, or what is wrong with it. The endpoint's JSON is not trusted to have the client's types. */
function readCompletion(completion: unknown, model: string, shape: AnswerShape): Outcome {
  const choice = field(field(completion, 'choices'), '0');
  const message = field(choice, 'message');
  if (message === undefined) return failed('protocol');
  if (field(choice, 'finish_reason') === 'content_filter') return failed('content-filter');
  if (typeof field(message, 'refusal') === 'string' && field(message, 'refusal') !== '') return failed('refusal');
  const content = field(message, 'content') ?? '';
  if (typeof content !== 'string') return failed('protocol');
  if (content.trim() === '') return failed('empty');
  // Half of the depth that a door takes, since the answer travels on inside a reply.
  const json = parseStrictJsonText(content, { bytesMax: 16 * 1024 * 1024, depthMax: 32 });
  if (!json.ok) return failed(field(choice, 'finish_reason') === 'length' ? 'cut' : 'not-json', json.rule);
  const broken = shape.broken(json.value);
  if (broken !== '') return failed('shape', broken);
  const named = field(completion, 'model');
  return { value: json.value as Readonly<Record<string, unknown>>, modelId: typeof named === 'string' && /^[\w.:/@-]{1,100}$/.test(named) ? named : model };
}

function classify(error: unknown): ModelFailure {
  if (isBrokenCircuitError(error)) return failed('breaker-open');
  if (error instanceof OpenAI.APIUserAbortError) return failed('cancelled');
  if (error instanceof OpenAI.APIConnectionTimeoutError) return failed('timeout');
  if (error instanceof OpenAI.APIConnectionError) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) if (cause instanceof ResponseRefused) return failed(cause.rule);
    return failed('connection');
  }
  if (!(error instanceof OpenAI.APIError)) throw error;
  const status = Number(error.status);
  if (status === 429) return { kind: 'rate-limited', rule: '', retryAfterMs: retryAfterMsOf(error.headers) };
  if (status === 503) return { kind: 'server-error', rule: '', retryAfterMs: retryAfterMsOf(error.headers) };
  if (status >= 500 || status === 409 || status === 425) return failed('server-error');
  if (status === 408) return failed('timeout');
  if (status === 401 || status === 403) return failed('unauthenticated');
  return failed(status === 404 ? 'not-found' : 'bad-request');
}

function retryAfterMsOf(headers: Headers | undefined): number {
  const inMs = Number(headers?.get('retry-after-ms') ?? NaN);
  if (inMs >= 0) return inMs;
  const text = headers?.get('retry-after') ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? -1 : Math.max(0, at - Date.now());
}

/** One breaker per model: after five failures of the endpoint in a row it is not asked for ten seconds. Bad answers do not count. */
function breakerOf(model: string, deps: ModelDeps): CircuitBreakerPolicy {
  let breaker = deps.breakers.get(model);
  if (breaker === undefined) {
    const endpointFailed = handleWhen((error) => (error instanceof OpenAI.APIConnectionError && !(error instanceof OpenAI.APIUserAbortError)) || (error instanceof OpenAI.APIError && Number(error.status) >= 500));
    breaker = circuitBreaker(endpointFailed, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) });
    deps.breakers.set(model, breaker);
  }
  return breaker;
}

function usageOf(completion: unknown, model: string, config: ModelConfig): ModelUsage | null {
  const usage = field(completion, 'usage');
  const inputTokens = field(usage, 'prompt_tokens');
  const outputTokens = field(usage, 'completion_tokens');
  if (!isCount(inputTokens) || !isCount(outputTokens)) return null;
  const price = Object.hasOwn(config.MODEL_PRICES, model) ? config.MODEL_PRICES[model] : undefined;
  const costMicros = Math.ceil((inputTokens * (price?.inputMicrosPerMillion ?? 0) + outputTokens * (price?.outputMicrosPerMillion ?? 0)) / 1_000_000);
  return { inputTokens, outputTokens, costMicros };
}

function total(attempts: readonly ModelAttempt[]): TotalUsage {
  const sum = (of: keyof ModelUsage): number => attempts.reduce((all, attempt) => all + (attempt.usage?.[of] ?? 0), 0);
  const modelCalls = attempts.filter((attempt) => attempt.outcome !== 'breaker-open').length;
  return { modelCalls, inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens'), costMicros: sum('costMicros') };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 1e9;
}

function failed(kind: ModelFailureKind, rule = ''): ModelFailure {
  return { kind, rule, retryAfterMs: -1 };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
