// A workflow file: a checkout that prices an order, charges a card and writes a receipt. The same file is simulated
// (`blackboard simulate --workflow`) and put in force (`blackboard up --workflow`, `BLACKBOARD_WORKFLOWS`).
// @ts-check

import { z } from 'zod';

const cents = z.int().min(1).max(1_000_000);

const quote = {
  name: 'quote@1', evidenceRequired: false,
  avro: { type: 'record', name: 'Quote', fields: [{ name: 'item', type: 'string' }, { name: 'cents', type: 'int' }] },
  rules: z.strictObject({ item: z.string().min(1).max(200), cents }),
};
const payment = {
  name: 'payment@1', evidenceRequired: true,
  avro: { type: 'record', name: 'Payment', fields: [{ name: 'charge', type: 'string' }, { name: 'cents', type: 'int' }] },
  rules: z.strictObject({ charge: z.string().min(1).max(100), cents }),
};
const receipt = {
  name: 'receipt@1', evidenceRequired: true,
  avro: { type: 'record', name: 'Receipt', fields: [{ name: 'text', type: 'string' }, { name: 'cents', type: 'int' }] },
  rules: z.strictObject({ text: z.string().min(1).max(1_000), cents }),
};
export const contracts = [quote, payment, receipt];

/** @type {import('blackboard/workflow').WorkflowInput} */
export const workflow = {
  name: 'checkout', deadlineMs: 120_000, result: 'receipt',
  steps: [
    { id: 'price', agent: 'pricer', contract: 'quote@1', attempts: 3, deadlineMs: 10_000, jobParams: ['item'] },
    { id: 'charge', agent: 'cashier', contract: 'payment@1', after: ['price'], inputs: ['price'], attempts: 3, deadlineMs: 20_000 },
    { id: 'receipt', agent: 'clerk', contract: 'receipt@1', after: ['charge'], inputs: ['price', 'charge'], attempts: 3, deadlineMs: 10_000 },
  ],
};

const prices = new Map([['coffee', 320], ['tea', 280], ['cake', 450]]);

/** @typedef {{ readonly job: string, readonly instance: number }} Order Used once: an id alone may come again when it was forgotten. */

/** @param {Order} order */
const orderOf = ({ job, instance }) => `${job}/${instance}`;

/** What the cashier charges with. A charge under a key that was used is the charge of then, as payment services do it. */
export class Payments {
  /** @type {Map<string, { readonly order: string, readonly cents: number }>} */
  charges = new Map();

  /** @param {{ readonly key: string, readonly order: Order, readonly cents: number }} charge */
  async charge({ key, order, cents: amount }) {
    const then = this.charges.get(key);
    if (then !== undefined && then.cents !== amount) throw new Error(`the key ${key} was used for another amount`);
    if (then === undefined) this.charges.set(key, { order: orderOf(order), cents: amount });
    return key;
  }

  /** @param {Order} order */
  of(order) {
    return [...this.charges.values()].filter((charge) => charge.order === orderOf(order));
  }
}

/** @param {readonly import('blackboard/agent').InputArtifact[]} inputs */
const cited = (inputs) => inputs.map(({ hash }) => ({ source: /** @type {const} */ ('artifact'), reference: hash, position: -1 }));

/** @type {import('blackboard/agent').Agent} */
const pricer = {
  name: 'pricer', version: '1.0.0', promptHash: '', owns: 'item-without-price',
  async run({ request, write }) {
    const item = String(request.params['item']);
    const price = prices.get(item);
    if (price === undefined) return { outcome: 'failed', code: 'no-price', retryable: false };
    return { outcome: 'proposed', artifacts: [{ type: 'quote', body: write(quote, { item, cents: price }), evidence: [], confidence: 1, freshAtMs: request.requestedAtMs }] };
  },
};

/**
 * @param {Payments} payments
 * @param {(request: import('blackboard/agent').StepRequest) => string} keyOf
 * @returns {import('blackboard/agent').Agent}
 */
export const cashier = (payments, keyOf) => ({
  name: 'cashier', version: '1.0.0', promptHash: '', owns: 'card-refused',
  async run({ request, read, write }) {
    const [input] = request.inputs;
    if (input === undefined) return { outcome: 'failed', code: 'no-quote', retryable: false };
    const { cents: amount } = await read(quote, input);
    const charge = await payments.charge({ key: keyOf(request), order: request, cents: amount });
    return { outcome: 'proposed', artifacts: [{ type: 'payment', body: write(payment, { charge, cents: amount }), evidence: cited([input]), confidence: 1, freshAtMs: request.requestedAtMs }] };
  },
});

/** @type {import('blackboard/agent').Agent} */
const clerk = {
  name: 'clerk', version: '1.0.0', promptHash: '', owns: 'receipt-unreadable',
  async run({ request, read, write }) {
    const [priced, paid] = ['quote@1', 'payment@1'].map((name) => request.inputs.find(({ contract }) => contract === name));
    if (priced === undefined || paid === undefined) return { outcome: 'failed', code: 'input-missing', retryable: false };
    const { item } = await read(quote, priced);
    const { cents: amount } = await read(payment, paid);
    return { outcome: 'proposed', artifacts: [{ type: 'receipt', body: write(receipt, { text: `1 ${item}`, cents: amount }), evidence: cited([priced, paid]), confidence: 1, freshAtMs: request.requestedAtMs }] };
  },
};

// One key per order: whatever is tried again, the card is charged once.
export const agents = (payments = new Payments()) => [pricer, cashier(payments, orderOf), clerk];
export const otherAgents = [pricer, clerk];

export const renderers = { 'receipt@1': (/** @type {z.output<typeof receipt.rules>} */ { text, cents: amount }) => `${text}: ${(amount / 100).toFixed(2)}\n` };

// For the simulation alone.
export const jobs = [{ params: { item: 'coffee' } }, { params: { item: 'tea' } }, { params: { item: 'cake' } }, { params: { item: 'a unicorn' } }];
export const outside = () => new Payments();

/** @type {import('blackboard/workflow').WorkflowFile<Payments>['expectations']} */
export const expectations = {
  'a card is charged at most once': (job, payments) => payments.of(job).length <= 1 || `charged ${payments.of(job).length} times`,
  'a receipt says what was charged': (job, payments) => job.outcome !== 'completed' || payments.of(job)[0]?.cents === receipt.rules.parse(job.result?.value).cents,
  'a receipt cites quote and payment': (job) => job.outcome !== 'completed' || (job.result?.evidence.length ?? 0) > 0,
};
