// The scenario that holds the runtime to its invariants: every kind of step, and agents that do all that an agent can.

import { encodeBody } from '../../runtime/codec/contract-codec.js';
import { contracts, keyring, note, plan, policy } from './blackboard-of-seed.js';
import { loadOf } from './load.js';
import type { Scenario } from './scenario.js';
import { verifyingAgents, workingAgents } from './simulated-agents.js';

const params = '{"topic":"t"}';

export const builtInScenario: Scenario = {
  contracts, policy, keyring,
  adversary: { producer: 'maker', verifier: 'checker', twin: 'twin', other: 'other', upstream: 'upstream-acme', hasStolenKeys: true },
  workers: workingAgents,
  verifiers: verifyingAgents,
  job: (number, _dice, seed) => ({ workflow: loadOf(seed) === 'chain' ? 'chain' : number % 3 === 2 ? 'strict' : 'planned', params }),
  incomplete: { workflow: 'strict', params: '{}' },
  body: (name, dice) => encodeBody(contracts.get(name) ?? note, name === plan.name ? { items: [{ id: 'h', topic: `hostile ${dice.next()}` }] } : { text: `hostile ${dice.next()}` }),
  outside: () => null,
  own: null,
};
