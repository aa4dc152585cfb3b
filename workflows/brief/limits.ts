/** Bounds of everything a brief is made of. Bytes are of UTF-8, characters are UTF-16 units. */
export const limits = {
  documentsMax: 2_000,
  documentBytesMax: 2 * 1024 * 1024,
  corpusBytesMax: 64 * 1024 * 1024,
  pathCharactersMax: 512,
  questionCharactersMax: 1_000,
  itemsMax: 8,
  findingsPerItemMax: 4,
  claimCharactersMax: 1_000,
  quoteCharactersMax: 2_000,
  sentencesMax: 64,
  citationsMax: 4,
} as const;
