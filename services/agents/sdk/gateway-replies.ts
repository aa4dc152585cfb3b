import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const amount = z.int().min(0);

export const usageShape = z.object({ modelCalls: amount, inputTokens: amount, outputTokens: amount, costMicros: amount });

export const capabilitiesShape = z.object({ model: z.boolean() });

export const putReplyShape = z.object({
  hashes: z.array(sha256),
  receipt: z.object({ kind: z.string(), hashes: z.array(sha256), signer: z.string(), atMs: z.int(), signature: z.string().regex(/^[0-9a-f]+$/) }),
});

export const modelReplyShape = z.object({ value: z.unknown(), modelId: z.string(), fallbackTaken: z.string(), usage: usageShape });

export type ModelReply = z.output<typeof modelReplyShape>;
