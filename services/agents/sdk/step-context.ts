// What a run is given: bodies and models through the gateway under the attempt's capability, and a tally of what
// they cost, which the SDK puts into the claim.

import type { Receipt } from '../../../schemas/generated/events.js';
import { z } from 'zod';
import type { Contract } from '../../blackboard/contract.js';
import { encodeBody, readBody } from '../../runtime/codec/contract-codec.js';
import { BlackboardError } from '../../runtime/errors.js';
import type { BodyClient, Candidate, InputArtifact, ModelAnswer, ModelClient, ModelRequest, StepContext, StepRequest } from './agent.js';
import type { Spent } from './claims.js';
import { ModelFailure, type Asker, type GatewayClient } from './gateway-client.js';
import type { ModelReply } from './gateway-replies.js';

/** Grows while the run goes on. */
export class Tally {
  #spent: Spent = { usage: { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 }, fallbackTaken: '', modelId: '', receipts: [] };

  get spent(): Spent {
    return this.#spent;
  }

  addReceipts(receipts: readonly Receipt[]): void {
    this.#spent = { ...this.#spent, receipts: [...this.#spent.receipts, ...receipts] };
  }

  addModel(reply: Pick<ModelReply, 'usage' | 'modelId' | 'fallbackTaken'>): void {
    const { usage, fallbackTaken, modelId } = this.#spent;
    this.#spent = {
      ...this.#spent,
      usage: {
        modelCalls: usage.modelCalls + reply.usage.modelCalls, inputTokens: usage.inputTokens + reply.usage.inputTokens,
        outputTokens: usage.outputTokens + reply.usage.outputTokens, costMicros: usage.costMicros + reply.usage.costMicros,
      },
      fallbackTaken: fallbackTaken === '' ? reply.fallbackTaken : fallbackTaken,
      modelId: reply.modelId === '' ? modelId : reply.modelId,
    };
  }
}

export interface ContextParts {
  readonly request: StepRequest;
  readonly asker: Asker;
  readonly gateway: GatewayClient | null;
  readonly tally: Tally;
}

/** Asks the gateway once a minute whether there is a model, so that no run takes a silent turn to working without one. */
export async function createContext(parts: ContextParts): Promise<StepContext> {
  const { gateway, asker } = parts;
  return new AttemptContext(parts, gateway !== null && await gateway.hasModel(asker) ? modelClient(gateway, parts) : null);
}

class AttemptContext implements StepContext {
  readonly request: StepRequest;
  readonly bodies: BodyClient;
  readonly write = encodeBody;
  readonly #asker: Asker;

  constructor(parts: ContextParts, readonly model: ModelClient | null) {
    this.request = parts.request;
    this.bodies = bodyClient(parts);
    this.#asker = parts.asker;
  }

  get signal(): AbortSignal {
    return this.#asker.signal;
  }

  /** Bound to this context: agents may take it out of it. */
  readonly read = async <T>(contract: Contract<T>, input: InputArtifact | Candidate): Promise<T> => {
    if (input.contract !== contract.name) throw new BlackboardError('INPUT_INVALID', `an input keeps ${input.contract}, not ${contract.name}; read it with its own contract`, { field: 'contract', rule: contract.name });
    const inline = 'inline' in input ? input.inline : null;
    return readBody(contract, inline ?? await this.bodies.get(input.hash));
  };
}

function bodyClient({ asker, gateway, tally }: ContextParts): BodyClient {
  return {
    get: (hash) => present(gateway).get(asker, hash),
    async put(list) {
      if (list.length === 0) return [];
      const stored = await present(gateway).put(asker, list);
      tally.addReceipts(stored.receipts);
      return stored.hashes;
    },
  };
}

function modelClient(gateway: GatewayClient, { asker, tally }: ContextParts): ModelClient {
  return {
    async ask<T>({ system, user, name, shape }: ModelRequest<T>): Promise<ModelAnswer<T>> {
      let reply: ModelReply;
      try {
        reply = await gateway.ask(asker, { system, user, name, schema: z.toJSONSchema(shape) });
      } catch (error) {
        if (error instanceof ModelFailure && error.usage !== null) tally.addModel({ usage: error.usage, modelId: '', fallbackTaken: '' });
        throw error;
      }
      tally.addModel(reply);
      const value = shape.safeParse(reply.value);
      if (!value.success) throw new BlackboardError('MODEL_UNAVAILABLE', `the model's answer breaks a rule of ${name} that its JSON Schema cannot say (${value.error.issues[0]?.code ?? ''})`);
      return { value: value.data, modelId: reply.modelId, fallbackTaken: reply.fallbackTaken };
    },
  };
}

function present(gateway: GatewayClient | null): GatewayClient {
  if (gateway === null) throw new BlackboardError('GATEWAY_UNAVAILABLE', 'this agent process was started without a gateway; set GATEWAY_URL');
  return gateway;
}
