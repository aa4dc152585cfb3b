// R7: where a reader is, with enough to notice that the log is another one: (offset, epoch in force there, digest of
// the record before). Stored whole, as commit metadata or in a row; a part of it alone is never trusted.

import { BlackboardError } from '../errors.js';

export interface Position {
  /** Next offset to read. */
  readonly offset: number;
  /** Offset of the newest marker before `offset`, or -1. */
  readonly epoch: number;
  /** Digest of the record at `offset - 1` (64 hex digits); empty when `offset` is 0 or that record is not there. */
  readonly digest: string;
}

const shape = /^bb1 (-1|\d{1,16}) ([0-9a-f]{64}|-)$/;

/** The metadata that is committed beside the offset: `bb1 <epoch> <digest or ->`. */
export function positionMetadata(position: Position): string {
  return `bb1 ${position.epoch} ${position.digest === '' ? '-' : position.digest}`;
}

/** @throws BlackboardError LOG_POSITION_CHANGED when somebody else wrote the metadata. */
export function parsePosition(offset: number, metadata: string): Position {
  const match = shape.exec(metadata);
  if (match === null) {
    throw new BlackboardError('LOG_POSITION_CHANGED', `the position stored at offset ${offset} lacks its epoch and digest: it was not stored by this runtime. `
      + 'Going on could repeat or skip work unseen. Restore the position, or delete the group to read from the beginning.', { offset });
  }
  return { offset, epoch: Number(match[1]), digest: match[2] === '-' ? '' : match[2] ?? '' };
}
