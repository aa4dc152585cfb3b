// Both drivers answer the same JavaScript values: bigint as number (offsets, sizes and millionths stay below 2^53,
// and anything larger is an error, never a rounded number), bytea as Buffer, timestamptz as Date, json as objects.

/** Type ids of the catalog that are the same in every Postgres. */
export const typeIds = { bytea: 17, bigint: 20, numeric: 1700 } as const;

export function parseWholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit a JavaScript number exactly; cast it to text in the query`);
  return value;
}

/** Text form `\x…`. */
export function parseBytes(text: string): Buffer {
  return Buffer.from(text.slice(2), 'hex');
}
