import type { Contract } from '../services/blackboard/contract.js';
import { briefContract, corpusContract, findingContract, planContract } from './brief/contracts.js';
import { noteContract } from './noop/contracts.js';

/** Every contract that a gate of this version knows, by name. A changed rule is a new version beside the old one. */
export const contracts: ReadonlyMap<string, Contract> = new Map(
  ([corpusContract, planContract, findingContract, briefContract, noteContract] as readonly unknown[] as readonly Contract[]).map((contract) => [contract.name, contract]),
);
