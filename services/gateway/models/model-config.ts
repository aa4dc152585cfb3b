import { z } from 'zod';
import { bytes, durationMs, httpUrl, integer, secret } from '../../runtime/config.js';
import { parseStrictJsonText } from '../../runtime/strict-json.js';

const priceTable = z.record(z.string(), z.strictObject({
  inputMicrosPerMillion: z.number().int().min(0),
  outputMicrosPerMillion: z.number().int().min(0),
}));
const pricesShape = 'JSON: {"model": {"inputMicrosPerMillion": 2500000, "outputMicrosPerMillion": 10000000}}';

function prices() {
  return z.string().transform((text, context): z.output<typeof priceTable> => {
    const json = parseStrictJsonText(text);
    const table = json.ok ? priceTable.safeParse(json.value) : null;
    if (table?.success === true) return table.data;
    context.addIssue({ code: 'custom', message: json.ok ? pricesShape : json.message });
    return z.NEVER;
  }).meta({ shape: pricesShape, unit: 'micros of the currency per million tokens' });
}

const modelName = () => z.string().max(200).meta({ shape: 'a model name as the endpoint knows it' });

const publicEndpoint = 'https://api.openai.com/v1';

/** Variables of the model adapter. Without `MODEL_PRIMARY` there is no model, and agents work extractively. */
export const modelConfigSchema = z.object({
  OPENAI_BASE_URL: httpUrl().default(publicEndpoint).describe('OpenAI-compatible endpoint'),
  OPENAI_API_KEY: secret().optional().describe('Key of the endpoint; only the gateway holds it'),
  MODEL_PRIMARY: modelName().optional().describe('Model that is asked first; without it agents work extractively'),
  MODEL_HIGHER: modelName().optional().describe('Model that is asked first when a retry asks for a higher tier'),
  MODEL_FALLBACK: modelName().optional().describe('Model that is asked when the first gives no usable answer'),
  MODEL_ATTEMPTS: integer(1, 10).default(3).describe('Attempts at one model before the fallback'),
  MODEL_TIMEOUT: durationMs().default(30_000).describe('Longest wait for one whole answer'),
  MODEL_DEADLINE: durationMs().default(120_000).describe('Longest time for all attempts of one request together'),
  MODEL_RETRY_AFTER_MAX: durationMs().default(10_000).describe('Longest Retry-After that is waited for; beyond it the fallback is taken'),
  MODEL_ANSWER_BYTES_MAX: bytes().default(4 * 1024 * 1024).describe('Largest response that is read'),
  MODEL_OUTPUT_TOKENS_MAX: integer(1, 1_000_000).default(4096).describe('Tokens that an answer may have; doubled once for an answer that was cut'),
  MODEL_PRICES: prices().default({}).describe('What tokens cost, by model; a model that is not listed costs 0'),
}).refine((config) => config.MODEL_PRIMARY === undefined || config.OPENAI_API_KEY !== undefined || config.OPENAI_BASE_URL !== publicEndpoint, { path: ['OPENAI_API_KEY'], message: 'a model of the public endpoint needs a key' });

export type ModelConfig = Readonly<z.output<typeof modelConfigSchema>>;
