import { badAnswers } from './bad-answers.js';
import { badBytes } from './bad-bytes.js';
import { forgedClaims } from './forged-claims.js';
import { hostileFields } from './hostile-fields.js';
import type { Kind } from './kind.js';

/** The corpus: each kind with what must become of its records. */
export const kinds: readonly Kind[] = [...forgedClaims, ...hostileFields, ...badAnswers, ...badBytes];
