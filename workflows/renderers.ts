// How results are shown to people, by contract; pure.

import { decodeBody } from '../services/runtime/codec/contract-codec.js';
import { BlackboardError } from '../services/runtime/errors.js';
import type { Contract } from '../services/blackboard/contract.js';
import { briefContract } from './brief/contracts.js';
import { renderBrief } from './brief/render-brief.js';
import { noteContract } from './noop/contracts.js';

/** Decodes a body of a contract. @throws BlackboardError INPUT_INVALID naming field and rule. */
function read<T>(contract: Contract<T>, body: Buffer): T {
  const decoded = decodeBody(contract, body);
  if (decoded.ok) return decoded.value;
  throw new BlackboardError('INPUT_INVALID', `a body does not keep ${contract.name}: ${decoded.field}: ${decoded.rule}`);
}

export const resultRenderers = {
  [briefContract.name]: { toJson: (body: Buffer) => read(briefContract, body), toMarkdown: (body: Buffer) => renderBrief(read(briefContract, body)) },
  [noteContract.name]: { toJson: (body: Buffer) => read(noteContract, body), toMarkdown: (body: Buffer) => `${read(noteContract, body).text}\n` },
};
