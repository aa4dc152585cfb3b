// The gateway as agents meet it over HTTP: it keeps bodies, signs receipts, and is at times busy or gone. It opens
// bodies to whoever asks: authorization is not what this stands in for.

import { contentHash } from '../../blackboard/ids.js';
import { proofHeaders, receiptText } from '../../blackboard/signed-text.js';
import { principalOf } from '../../runtime/keyring.js';
import type { Dice } from './dice.js';
import type { Faults } from './fault-kinds.js';
import type { Scenario } from './scenario.js';
import type { Scheduler } from './scheduler.js';

interface Reply {
  readonly status: number;
  readonly bytes: Buffer;
  readonly retryAfter?: string;
}

export class SimulatedGateway {
  readonly bodies = new Map<string, Buffer>();
  /** Requests to the model, by job. */
  readonly modelCalls = new Map<string, number>();

  constructor(private readonly parts: { readonly scheduler: Scheduler; readonly dice: Dice; readonly faults: Faults; readonly scenario: Scenario }) {}

  /** As the platform's `fetch`, as far as the client of the SDK uses it. */
  fetch(url: string, init: RequestInit): Promise<unknown> {
    const { scheduler, dice, faults } = this.parts;
    return new Promise((resolve, reject) => {
      scheduler.at(dice.next() * 5, () => {
        if (faults.strikes('gateway-fails')) {
          if (dice.chance(0.5)) return reject(new TypeError('fetch failed'));
          return resolve(response({ status: 503, bytes: Buffer.from('{"reason":"busy"}'), retryAfter: '1' }));
        }
        resolve(response(this.#serve(new URL(url).pathname, init)));
      });
    });
  }

  #serve(path: string, init: RequestInit): Reply {
    const model = this.parts.scenario.own?.model ?? null;
    if (path === '/v1/capabilities') return json({ model: model !== null });
    if (path === '/v1/models/ask' && model !== null) return this.#ask(init, model);
    if (init.method === 'PUT') return json(this.#put(Buffer.from(init.body as Uint8Array), init.headers as Record<string, string>));
    const body = this.bodies.get(path.slice('/v1/bodies/'.length));
    return body === undefined ? { status: 404, bytes: Buffer.from('{}') } : { status: 200, bytes: body };
  }

  #ask({ body, headers }: RequestInit, model: NonNullable<NonNullable<Scenario['own']>['model']>): Reply {
    const job = (headers as Record<string, string>)[proofHeaders.job] ?? '';
    this.modelCalls.set(job, (this.modelCalls.get(job) ?? 0) + 1);
    try {
      const value = model(JSON.parse(Buffer.from(body as Uint8Array).toString()) as Parameters<typeof model>[0], () => this.parts.dice.next());
      return json({ value, modelId: 'simulated', fallbackTaken: '', usage: { modelCalls: 1, inputTokens: 100, outputTokens: 100, costMicros: 10 } });
    } catch {
      // The stand-in says by throwing that no model is there.
      return { status: 502, bytes: Buffer.from('{"reason":"MODEL_UNAVAILABLE"}') };
    }
  }

  #put(frames: Buffer, headers: Record<string, string>): unknown {
    const { keyring } = this.parts.scenario;
    const hashes: string[] = [];
    for (let at = 0; at < frames.length;) {
      const end = at + 4 + frames.readUInt32BE(at);
      const body = Buffer.from(frames.subarray(at + 4, end));
      hashes.push(contentHash(body));
      this.bodies.set(contentHash(body), body);
      at = end;
    }
    const receipt = { kind: 'body', hashes, signer: keyring.signerOf('gateway'), atMs: Math.floor(this.parts.scheduler.nowMs) };
    const named = (header: string): string => headers[header] ?? '';
    const text = receiptText(receipt, principalOf(named(proofHeaders.signer)), {
      job: named(proofHeaders.job), instance: Number(named(proofHeaders.instance)), step: named(proofHeaders.step), attempt: Number(named(proofHeaders.attempt)),
    });
    return { hashes, receipt: { ...receipt, signature: keyring.sign(receipt.signer, text).toString('hex') } };
  }
}

function json(value: unknown): Reply {
  return { status: 200, bytes: Buffer.from(JSON.stringify(value)) };
}

function response({ status, bytes, retryAfter }: Reply): unknown {
  return { status, headers: { get: (name: string) => (name === 'retry-after' ? retryAfter ?? null : null) }, arrayBuffer: () => Promise.resolve(bytes) };
}
