// What compiled readers and writers both know of avsc.

import type avsc from 'avsc';

/** What avsc's types are made of, beside what its own declarations say. */
export interface AvroShape extends avsc.Type {
  readonly typeName: string;
  readonly fields?: readonly { readonly name: string; readonly type: avsc.Type }[];
  readonly itemsType?: avsc.Type;
  readonly recordConstructor?: new (...values: unknown[]) => object;
}

/** What avsc takes for a long. */
export const longMax = Number.MAX_SAFE_INTEGER - 1;
/** Types that are nested deeper are not compiled. */
export const depthMax = 16;
