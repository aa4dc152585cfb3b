// The gateway as agents meet it over HTTP: it keeps bodies, signs receipts, and is at times busy, gone or behind.
// Whom it serves, the production verb says.

import { contentHash } from '../../blackboard/ids.js';
import { proofHeaders, receiptText } from '../../blackboard/signed-text.js';
import type { Asked } from '../../gateway/authorize.js';
import { principalOfProof, type ProofHeaders } from '../../gateway/proof.js';
import type { MemoryLogStore } from '../../runtime/log/memory/memory-log.js';
import type { Dice } from './dice.js';
import type { Faults } from './fault-kinds.js';
import { GatewayBoard } from './gateway-board.js';
import { gatewayUrl } from './run-effects.js';
import type { Scenario } from './scenario.js';
import type { Scheduler } from './scheduler.js';

interface Reply {
  readonly status: number;
  readonly bytes: Buffer;
  readonly retryAfter?: string;
}

interface GatewayParts {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly scenario: Scenario;
  readonly store: MemoryLogStore;
  readonly partitions: number;
}

export class SimulatedGateway {
  readonly bodies = new Map<string, Buffer>();
  /** Requests to the model, by job. */
  readonly modelCalls = new Map<string, number>();
  /** Requests that were refused, by reason. */
  readonly refused = new Map<string, number>();
  readonly #board: GatewayBoard;

  constructor(private readonly parts: GatewayParts) {
    this.#board = new GatewayBoard(parts.store, parts.partitions, parts.scenario.keyring);
  }

  /** As the platform's `fetch`, as far as the client of the SDK uses it. */
  fetch(url: string, init: RequestInit): Promise<unknown> {
    const { scheduler, dice, faults } = this.parts;
    return new Promise((resolve, reject) => {
      scheduler.at(dice.next() * 5, () => {
        if (faults.strikes('gateway-fails')) {
          if (dice.chance(0.5)) return reject(new TypeError('fetch failed'));
          return resolve(response({ status: 503, bytes: Buffer.from('{"reason":"busy"}'), retryAfter: '1' }));
        }
        resolve(response(this.#serve(String(url).slice(gatewayUrl.length), init)));
      });
    });
  }

  #serve(path: string, init: RequestInit): Reply {
    const model = this.parts.scenario.own?.model ?? null;
    if (path === '/v1/capabilities') return json({ model: model !== null });
    if (!this.parts.faults.strikes('gateway-behind')) this.#board.read();
    const body = init.body === undefined || init.body === null ? Buffer.alloc(0) : Buffer.from(init.body as Uint8Array);
    const bodies = init.method === 'PUT' ? framesOf(body) : [];
    const hash = path.slice('/v1/bodies/'.length);
    const asked: Asked = path.startsWith('/v1/models/ask') ? { act: 'ask', question: path } : init.method === 'PUT' ? { act: 'put', bodies: bodies.length, bytes: body.length } : { act: 'get', hash };
    const access = this.#board.decide(init.headers as Record<string, string>, { method: init.method ?? 'GET', path, body }, asked, Math.floor(this.parts.scheduler.nowMs));
    if (access === 'not-read-so-far') return { status: 503, bytes: Buffer.from('{"reason":"behind"}'), retryAfter: '1' };
    if (access === 'no-proof') return this.#refuse('no-proof', 401);
    const { proof, decision } = access;
    if (!decision.allowed) return this.#refuse(decision.reason, decision.reason === 'bad-signature' || decision.reason === 'clock-skew' ? 401 : asked.act === 'get' ? 404 : 403);
    if (asked.act === 'ask') return model === null ? { status: 501, bytes: Buffer.from('{}') } : this.#ask(init, model);
    if (asked.act === 'put') {
      const hashes = bodies.map((one) => contentHash(one));
      for (const one of hashes) decision.grant?.own.add(one);
      return json(this.#put(bodies, hashes, proof));
    }
    const known = this.bodies.get(hash);
    return known === undefined ? { status: 404, bytes: Buffer.from('{}') } : { status: 200, bytes: known };
  }

  #refuse(reason: string, status: number): Reply {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    return { status, bytes: Buffer.from(JSON.stringify({ reason })) };
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

  #put(bodies: readonly Buffer[], hashes: readonly string[], proof: ProofHeaders): unknown {
    const { keyring } = this.parts.scenario;
    bodies.forEach((body, index) => { this.bodies.set(hashes[index] as string, body); });
    const receipt = { kind: 'body', hashes, signer: keyring.signerOf('gateway'), atMs: Math.floor(this.parts.scheduler.nowMs) };
    const text = receiptText(receipt, principalOfProof(proof), proof.name);
    return { hashes, receipt: { ...receipt, signature: keyring.sign(receipt.signer, text).toString('hex') } };
  }
}

function framesOf(frames: Buffer): readonly Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < frames.length;) {
    const end = at + 4 + frames.readUInt32BE(at);
    bodies.push(Buffer.from(frames.subarray(at + 4, end)));
    at = end;
  }
  return bodies;
}

function json(value: unknown): Reply {
  return { status: 200, bytes: Buffer.from(JSON.stringify(value)) };
}

function response({ status, bytes, retryAfter }: Reply): unknown {
  return { status, headers: { get: (name: string) => (name === 'retry-after' ? retryAfter ?? null : null) }, arrayBuffer: () => Promise.resolve(bytes) };
}
