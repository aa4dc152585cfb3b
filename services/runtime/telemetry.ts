// OpenTelemetry traces across the log, off unless configured. Off means: no package of OpenTelemetry is loaded, and
// `withSpan` calls its function with one frozen span that does nothing. On, the context travels as a W3C `traceparent`
// string in the event envelope: who produces writes `currentTraceparent()`, who consumes hands it to `withSpan`.

import type { Span as OtelSpan, SpanKind, Attributes } from '@opentelemetry/api';
import type { NodeSDK, tracing } from '@opentelemetry/sdk-node';

export type TelemetryMode = 'off' | 'otlp' | 'console';
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What code inside a span may do with it. */
export interface Span {
  set(attributes: SpanAttributes): void;
  event(name: string, attributes?: SpanAttributes): void;
  /** Marks the span failed; `code` is of a closed list, never a message. */
  fail(code: string): void;
  readonly traceparent: string;
}

export interface Telemetry {
  readonly mode: TelemetryMode;
  /** Sends what is buffered and turns spans off again; bounded by the exporter's own time limit. */
  stop(): Promise<void>;
}

/** The span of a process without telemetry. One object, for all. */
export const noSpan: Span = Object.freeze({ set: nothing, event: nothing, fail: nothing, traceparent: '' });

type Api = typeof import('@opentelemetry/api');
let api: Api | null = null;

/** `otlp` if OTEL_EXPORTER_OTLP_ENDPOINT (or its traces variant) is set, `console` (stderr) if BLACKBOARD_TRACES=console, else `off`. */
export function telemetryMode(env: Readonly<Record<string, string | undefined>>): TelemetryMode {
  if (env['OTEL_SDK_DISABLED'] === 'true') return 'off';
  if (env['BLACKBOARD_TRACES'] === 'console') return 'console';
  return env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ? 'otlp' : 'off';
}

/**
 * Starts traces for a process. The exporter reads the standard OTEL_* variables of the process (endpoint, headers,
 * protocol, sampler, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES). Metrics and logs are not sent.
 */
export async function startTelemetry(config: { readonly service: string; readonly mode?: TelemetryMode }): Promise<Telemetry> {
  const mode = config.mode ?? telemetryMode(process.env);
  if (mode === 'off') return { mode, stop: async () => {} };
  const [loadedApi, sdk] = await Promise.all([import('@opentelemetry/api'), import('@opentelemetry/sdk-node')]);
  const started: NodeSDK = new sdk.NodeSDK({
    serviceName: process.env['OTEL_SERVICE_NAME'] ?? config.service,
    // The process detector would send the command line, which may hold credentials.
    resourceDetectors: [sdk.resources.envDetector],
    metricReaders: [],
    logRecordProcessors: [],
    ...(mode === 'console' ? { traceExporter: stderrExporter() } : {}),
  });
  started.start();
  api = loadedApi;
  return {
    mode,
    stop: async () => {
      api = null;
      await started.shutdown();
      loadedApi.trace.disable();
      loadedApi.context.disable();
      loadedApi.propagation.disable();
    },
  };
}

/**
 * Runs `fn` inside a span and returns what it returns. The parent is `traceparent`, or the span under way where it
 * is empty or malformed. A throw or rejection fails the span with the error's code or name, never its message.
 * `attributes` may be a function, so that nothing is built when telemetry is off.
 */
export function withSpan<T>(name: string, attributes: SpanAttributes | (() => SpanAttributes) | null, traceparent: string, fn: (span: Span) => T): T {
  return api === null ? fn(noSpan) : traced(api, { name, attributes, traceparent, fn });
}

/** The `traceparent` to write into an envelope or a request, or `''` when there is no span (or telemetry is off). */
export function currentTraceparent(): string {
  const span = api?.trace.getActiveSpan();
  return span === undefined ? '' : traceparentOf(span);
}

/** The trace id of the span under way, for logs, or `''`. */
export function currentTraceId(): string {
  return api?.trace.getActiveSpan()?.spanContext().traceId ?? '';
}

interface TracedCall<T> {
  readonly name: string;
  readonly attributes: SpanAttributes | (() => SpanAttributes) | null;
  readonly traceparent: string;
  readonly fn: (span: Span) => T;
}

function traced<T>(loaded: Api, call: TracedCall<T>): T {
  const { trace, context, propagation } = loaded;
  const active = context.active();
  const parent = call.traceparent === '' ? active : propagation.extract(active, { traceparent: call.traceparent });
  const attributes = typeof call.attributes === 'function' ? call.attributes() : call.attributes ?? {};
  const span = trace.getTracer('blackboard').startSpan(call.name, { kind: kindOf(attributes), attributes: known(attributes) }, parent);
  const end = (error: unknown): void => {
    failSpan(span, codeOf(error));
    span.end();
  };
  let result: T;
  try {
    result = context.with(trace.setSpan(parent, span), () => call.fn(wrap(span)));
  } catch (error) {
    end(error);
    throw error;
  }
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  return result.then((value: unknown) => { span.end(); return value; }, (error: unknown) => { end(error); throw error; }) as T;
}

function wrap(span: OtelSpan): Span {
  return {
    set: (attributes) => { span.setAttributes(known(attributes)); },
    event: (name, attributes) => { span.addEvent(name, known(attributes ?? {})); },
    fail: (code) => failSpan(span, code),
    traceparent: traceparentOf(span),
  };
}

function failSpan(span: OtelSpan, code: string): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: 2 });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : error.name;
}

function traceparentOf(span: OtelSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The kind follows from the attributes of the semantic conventions, so that callers need not load the API for an enum. */
function kindOf(attributes: SpanAttributes): SpanKind {
  const operation = attributes['messaging.operation.type'];
  if (operation === 'send') return 3;
  if (operation === 'process' || operation === 'receive') return 4;
  if (attributes['gen_ai.operation.name'] !== undefined || attributes['http.request.method'] !== undefined) return attributes['http.route'] === undefined ? 2 : 1;
  return 0;
}

function known(attributes: SpanAttributes): Attributes {
  return attributes as Attributes;
}

/** One JSON line per span on stderr: the SDK's console exporter writes to stdout, which belongs to results. */
function stderrExporter(): tracing.SpanExporter {
  return {
    export(spans, done) {
      for (const span of spans) {
        const { traceId, spanId } = span.spanContext();
        const durationMs = span.duration[0] * 1000 + span.duration[1] / 1e6;
        process.stderr.write(`${JSON.stringify({ span: span.name, traceId, spanId, parentSpanId: span.parentSpanContext?.spanId ?? '', service: span.resource.attributes['service.name'], durationMs, failed: span.status.code === 2, attributes: span.attributes })}\n`);
      }
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
}

function nothing(): void {}
