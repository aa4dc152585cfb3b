// An agent's side of the gateway's HTTP protocol: each request is signed for one attempt, and tried again while the
// gateway is not reachable or not caught up, or does not know the signature, until the attempt's signal aborts.
// Credentials never leave the keyring.

import { contentHash } from '../../blackboard/ids.js';
import { gatewayRequestText, proofHeaders, type AttemptName } from '../../blackboard/signed-text.js';
import { pause, type Clock } from '../../runtime/clock.js';
import { BlackboardError } from '../../runtime/errors.js';
import type { Keyring } from '../../runtime/keyring.js';
import type { Logger } from '../../runtime/logger.js';
import { parseStrictJson } from '../../runtime/strict-json.js';
import { noSeams, through, type Seams } from '../../runtime/seams.js';
import type { Receipt, Usage } from '../../../schemas/generated/events.js';
import { capabilitiesShape, modelReplyShape, putReplyShape, usageShape, type ModelReply } from './gateway-replies.js';
import { GatewayTrust } from './gateway-trust.js';

/** Who asks, under which attempt, and until when. */
export interface Asker {
  readonly principal: string;
  readonly attempt: AttemptName;
  /** Questions to a model that it has put: the gateway knows one that is put again by its number. */
  questions: number;
  /** Ends waiting and retrying. */
  readonly signal: AbortSignal;
}

export interface GatewayClientOptions {
  /** `http://host:port`, without a path. */
  readonly url: string;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** Body requests under way at once at most; default 64. */
  readonly bodyRequestsMax?: number;
  /** Default: the platform's, with its kept-alive connections. */
  readonly fetch?: typeof fetch;
  readonly seams?: Seams;
  /** Is told when the gateway takes no signature of ours. */
  readonly logger?: Pick<Logger, 'error' | 'info'>;
}

export interface Stored {
  readonly hashes: readonly string[];
  readonly receipts: readonly Receipt[];
}

/** What a failed model request cost, where the gateway says so. */
export class ModelFailure extends BlackboardError {
  constructor(message: string, readonly usage: Usage | null) {
    super('MODEL_UNAVAILABLE', message);
  }
}

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body: Uint8Array;
  readonly mediaType: string;
}

interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
}

const askPath = '/v1/models/ask';
const bodiesPath = '/v1/bodies';
/** Answered to anybody: that it is says nothing of the signature. */
const capabilitiesPath = '/v1/capabilities';
const putBytesMax = 16 * 1024 * 1024;
const putBodiesMax = 256;
const capabilitiesAgeMsMax = 60_000;
/** The old answer serves when a new one takes longer. */
const freshAnswerMsMax = 250;
const waitMsMax = 2_000;
/** Answers of 5xx other than 503 are tried again so often. */
const serverErrorsMax = 3;

export class GatewayClient {
  readonly #options: GatewayClientOptions;
  readonly #slots: Slots;
  readonly #seams: Seams;
  readonly #trust: GatewayTrust;
  #capabilities: { readonly model: boolean; readonly atMs: number } | null = null;
  #asking: { readonly reply: Promise<{ readonly model: boolean }>; readonly by: AbortSignal } | null = null;

  constructor(options: GatewayClientOptions) {
    this.#options = options;
    this.#seams = options.seams ?? noSeams;
    this.#trust = new GatewayTrust(options.logger);
    this.#slots = new Slots(options.bodyRequestsMax ?? 64);
  }

  /** Whether a model is configured; asked again when the answer is a minute old. A gateway that is away then holds up no step that needs nothing of it. */
  async hasModel(asker: Asker): Promise<boolean> {
    const known = this.#capabilities;
    if (known !== null && this.#options.clock.nowMs() - known.atMs < capabilitiesAgeMsMax) return known.model;
    // One request for all that ask meanwhile; it ends with the first asker's signal, and the next one asks again.
    this.#asking ??= { by: asker.signal, reply: this.#call(asker, { method: 'GET', path: capabilitiesPath, body: new Uint8Array(), mediaType: '' })
      .then((answer) => (this.#capabilities = { model: readReply(answer, capabilitiesShape).model, atMs: this.#options.clock.nowMs() }))
      .finally(() => (this.#asking = null)) };
    const { reply, by } = this.#asking;
    const answered = new AbortController();
    try {
      const asked = reply.then(({ model }) => model);
      if (known === null) return await asked;
      asked.catch(() => undefined);
      return await Promise.race([asked, pause(this.#options.clock, freshAnswerMsMax, answered.signal).then(() => known.model)]);
    } catch (error) {
      if (asker.signal.aborted) throw error;
      if (!by.aborted) {
        if (known !== null) return known.model;
        if (!(error instanceof BlackboardError) || error.code !== 'GATEWAY_UNAVAILABLE') throw error;
        await pause(this.#options.clock, waitMsMax * (0.5 + Math.random()), asker.signal);
        if (asker.signal.aborted) throw error;
      }
      return this.hasModel(asker);
    } finally {
      answered.abort();
    }
  }

  /** Puts bodies, in as few requests as their sizes allow. @throws GATEWAY_REFUSED, GATEWAY_UNAVAILABLE */
  async put(asker: Asker, bodies: readonly Uint8Array[]): Promise<Stored> {
    const replies = await Promise.all(groups(bodies).map(async (group) => {
      const answer = await through(this.#seams, 'agents.put-bodies', () => this.#call(asker, { method: 'PUT', path: bodiesPath, body: frames(group), mediaType: 'application/octet-stream' }));
      const reply = readReply(answer, putReplyShape);
      if (group.some((body, index) => contentHash(body) !== reply.hashes[index])) throw new BlackboardError('GATEWAY_REFUSED', 'the gateway answered a put with other hashes than the bodies have; look at what stands between agent and gateway');
      return reply;
    }));
    return { hashes: bodies.map(contentHash), receipts: replies.map(({ receipt }) => ({ ...receipt, signature: Buffer.from(receipt.signature, 'hex') })) };
  }

  /** @throws BODY_NOT_FOUND, GATEWAY_REFUSED, GATEWAY_UNAVAILABLE */
  async get(asker: Asker, hash: string): Promise<Buffer> {
    const answer = await through(this.#seams, 'agents.get-body', () => this.#call(asker, { method: 'GET', path: `${bodiesPath}/${hash}`, body: new Uint8Array(), mediaType: '' }));
    if (contentHash(answer.bytes) !== hash) throw new BlackboardError('GATEWAY_REFUSED', `the gateway answered with bytes that do not have the hash ${hash.slice(0, 64)}; look at the body store`);
    return answer.bytes;
  }

  /**
   * Asked once by the gateway, however often its answer has to be fetched, also by a run of the same attempt elsewhere
   * that asks the same in the same order.
   * @throws ModelFailure (MODEL_UNAVAILABLE), GATEWAY_REFUSED, GATEWAY_UNAVAILABLE
   */
  async ask(asker: Asker, question: { readonly system: string; readonly user: string; readonly name: string; readonly schema: unknown }): Promise<ModelReply> {
    const body = Buffer.from(JSON.stringify(question));
    asker.questions += 1;
    const path = `${askPath}?n=${asker.questions}`;
    return readReply(await through(this.#seams, 'agents.ask-model', () => this.#call(asker, { method: 'POST', path, body, mediaType: 'application/json' })), modelReplyShape);
  }

  async #call(asker: Asker, call: Call): Promise<Answer> {
    let serverErrors = 0;
    for (let tries = 0; ; tries += 1) {
      // One that waits for its next try holds up nobody else's bodies.
      const { answer, retryAfterMs } = await (call.path.startsWith(bodiesPath) ? this.#slots.use(() => this.#once(asker, call)) : this.#once(asker, call));
      if (answer !== null) {
        if (answer.status === 200) {
          if (call.path !== capabilitiesPath) this.#trust.taken(asker.principal);
          return answer;
        }
        // Key files and clocks that do not match are a fault of the deployment, as an outage is: no step has failed by it.
        // A header that the gateway cannot read will not become better.
        const isDistrusted = answer.status === 401 && toldBy(answer)['field'] === undefined;
        if (isDistrusted) this.#trust.refused(asker.principal, reasonOf(answer));
        else if (answer.status === 403) this.#trust.taken(asker.principal);
        // A model that failed was paid for: only the gateway itself tries models again.
        const mayRetry = answer.status === 503 || isDistrusted || answer.status >= 500 && answer.status !== 501 && !call.path.startsWith(askPath) && ++serverErrors <= serverErrorsMax;
        if (!mayRetry) throw refusal(answer, call);
      }
      const spreadMs = Math.min(waitMsMax, retryAfterMs ?? 25 * 2 ** Math.min(tries, 7));
      await pause(this.#options.clock, spreadMs * (0.5 + Math.random()), asker.signal);
      if (asker.signal.aborted) throw new BlackboardError('GATEWAY_UNAVAILABLE', `the gateway did not serve ${call.method} ${call.path} before the attempt ended (${answer === null ? 'no connection' : `status ${answer.status}`}); check that ${answer?.status === 401 ? 'key files and clocks of both match' : 'it runs and has caught up'}`);
    }
  }

  /** A null answer: no connection, or one that broke. */
  async #once(asker: Asker, call: Call): Promise<{ readonly answer: Answer | null; readonly retryAfterMs?: number }> {
    const { url, fetch: send = fetch } = this.#options;
    try {
      const response = await send(`${url}${call.path}`, {
        method: call.method, signal: asker.signal, redirect: 'error',
        headers: { ...this.#proof(asker, call), ...(call.mediaType === '' ? {} : { 'content-type': call.mediaType }) },
        ...(call.method === 'GET' ? {} : { body: call.body as NonNullable<RequestInit['body']> }),
      });
      const seconds = Number(response.headers.get('retry-after') ?? NaN);
      const answer = { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
      return Number.isFinite(seconds) ? { answer, retryAfterMs: seconds * 1000 } : { answer };
    } catch (error) {
      // fetch rejects with TypeError when the network fails and AbortError when we end it; all else is ours.
      if (!(error instanceof TypeError) && !asker.signal.aborted) throw error;
      return { answer: null };
    }
  }

  #proof(asker: Asker, call: Call): Record<string, string> {
    const { keyring, clock } = this.#options;
    const { attempt } = asker;
    const signer = keyring.signerOf(asker.principal);
    const atMs = clock.nowMs();
    const signature = keyring.sign(signer, gatewayRequestText(attempt, signer, atMs, call)).toString('hex');
    return {
      [proofHeaders.signer]: signer, [proofHeaders.signature]: signature, [proofHeaders.atMs]: String(atMs), [proofHeaders.job]: attempt.job,
      [proofHeaders.instance]: String(attempt.instance), [proofHeaders.step]: attempt.step, [proofHeaders.attempt]: String(attempt.attempt), [proofHeaders.request]: attempt.request,
    };
  }
}

function refusal(answer: Answer, call: Call): BlackboardError {
  const told = toldBy(answer);
  const reason = reasonOf(answer);
  const where = `${call.method} ${call.path} (status ${answer.status}${reason === '' ? '' : `, ${reason}`})`;
  if (answer.status === 404) return new BlackboardError('BODY_NOT_FOUND', `${where}: no body of that hash is visible under this attempt`);
  if (call.path.startsWith(askPath) && answer.status >= 500) {
    const usage = usageShape.safeParse(told['usage']);
    return new ModelFailure(`${where}: no usable answer of a model`, usage.success ? usage.data : null);
  }
  if (answer.status >= 500) return new BlackboardError('GATEWAY_UNAVAILABLE', `${where}: look at the log of the gateway`);
  return new BlackboardError('GATEWAY_REFUSED', `${where}: the capability does not allow it, or the request breaks a rule`, { status: answer.status, reason });
}

function toldBy(answer: Answer): Readonly<Record<string, unknown>> {
  const parsed = parseStrictJson(answer.bytes);
  return (parsed.ok && parsed.value !== null && typeof parsed.value === 'object' ? parsed.value : {}) as Readonly<Record<string, unknown>>;
}

/** The code of a refusal; empty when it names none. */
function reasonOf(answer: Answer): string {
  const { reason } = toldBy(answer);
  return typeof reason === 'string' ? reason.slice(0, 64) : '';
}

function readReply<T>(answer: Answer, shape: { safeParse(value: unknown): { success: true; data: T } | { success: false } }): T {
  const parsed = parseStrictJson(answer.bytes, { bytesMax: 16 * 1024 * 1024 });
  const reply = parsed.ok ? shape.safeParse(parsed.value) : { success: false as const };
  if (!reply.success) throw new BlackboardError('GATEWAY_UNAVAILABLE', 'the gateway answered in another shape than this version knows; run the same version of both');
  return reply.data;
}

/** `[length, 4 bytes big-endian][bytes]`, one after another. */
function frames(bodies: readonly Uint8Array[]): Buffer {
  return Buffer.concat(bodies.flatMap((body) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.byteLength);
    return [length, body];
  }));
}

function groups(bodies: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const made: Uint8Array[][] = [];
  let bytes = Infinity;
  for (const body of bodies) {
    const last = made.at(-1);
    bytes += body.byteLength + 4;
    if (last !== undefined && last.length < putBodiesMax && bytes <= putBytesMax) last.push(body);
    else {
      made.push([body]);
      bytes = body.byteLength + 4;
    }
  }
  return made;
}

/** So many at once; the others wait in order. */
class Slots {
  #waiting: (() => void)[] = [];
  constructor(private free: number) {}

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }
}
