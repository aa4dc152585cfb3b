// Audit rows as a table: one line per fact, in the order of the log.

import { duration, clockTime } from './durations.js';
import { reasonCodes, type AuditEvent } from './audit-event.js';
import { table } from './table.js';
import { foreign, type Terminal } from './terminal.js';

export function auditText(events: readonly AuditEvent[], terminal: Pick<Terminal, 'columns' | 'colors'>): string {
  if (events.length === 0) return 'no rows\n';
  const { colors } = terminal;
  return table([
    { title: 'OFFSET', align: 'right' }, { title: 'FACT', widthMin: 16 }, { title: 'STEP', widthMin: 10 }, { title: 'NODE', widthMin: 9 }, { title: 'WHY', widthMin: 16 },
    { title: 'CAUSE', align: 'right', widthMin: 7, isOptional: true }, { title: 'TOOK', align: 'right', widthMin: 7, isOptional: true }, { title: 'TIME', widthMin: 12, isOptional: true },
    { title: 'RUBRIC', align: 'right', isOptional: true }, { title: 'OUTPUT', widthMin: 10, isOptional: true },
  ], events.map((event) => {
    const why = [...new Set([...(event.reason === '' ? [] : [event.reason]), ...reasonCodes(event)])].slice(0, 3).join(', ');
    return [
      String(event.offset), tone(event, colors)(foreign(event.eventType, 40)), `${foreign(event.step, 60)}${event.attempt === null ? '' : `#${event.attempt}`}`, foreign(event.node, 40),
      foreign(why === '' ? event.edgeLabel : why, 120), event.cause === null || event.cause < 0 ? '–' : `q/${event.partition}/${event.cause}`,
      duration(event.latencyMs), clockTime(event.tsMs), event.rubricScore === null ? '–' : event.rubricScore.toFixed(2), event.outputHash === '' ? '–' : foreign(event.outputHash, 64).slice(0, 10),
    ];
  }), terminal);
}

function tone(event: AuditEvent, colors: Terminal['colors']): (text: string) => string {
  if (/Rejected$|Failed$|^Claim/.test(event.eventType)) return colors.red;
  return /Verified$|Completed$/.test(event.eventType) ? colors.green : (text) => text;
}
