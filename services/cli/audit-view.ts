// Audit rows as a table: one line per fact, in the order of the log.

import { duration, clockTime } from './durations.js';
import { reasonCodes, type AuditEvent } from './audit-event.js';
import { table } from './table.js';
import { foreign, type Terminal } from './terminal.js';

export function auditText(events: readonly AuditEvent[], terminal: Pick<Terminal, 'columns' | 'colors'>): string {
  if (events.length === 0) return 'no rows\n';
  const { colors, columns } = terminal;
  // Why something went wrong is what is looked for here: other columns go before it is cut.
  const whyWidth = Math.min(40, events.reduce((most, event) => Math.max(most, reasonsOf(event).length), 16));
  // The fact's name is what else is read first; a narrow line keeps more columns instead.
  const factWidth = columns < 100 ? 16 : Math.min(24, events.reduce((most, event) => Math.max(most, event.eventType.length), 0));
  return table([
    { title: 'OFFSET', align: 'right' }, { title: 'FACT', widthMin: factWidth }, { title: 'STEP', widthMin: 10 }, { title: 'NODE', widthMin: 9 }, { title: 'WHY', widthMin: whyWidth },
    { title: 'CAUSE', align: 'right', widthMin: 7, isOptional: true }, { title: 'TOOK', align: 'right', widthMin: 7, isOptional: true }, { title: 'TIME', widthMin: 12, isOptional: true },
    { title: 'RUBRIC', align: 'right', isOptional: true }, { title: 'OUTPUT', widthMin: 10, isOptional: true },
  ], events.map((event) => {
    const why = reasonsOf(event);
    return [
      String(event.offset), tone(event, colors)(foreign(event.eventType, 40)), `${foreign(event.step, 60)}${event.attempt === null ? '' : `#${event.attempt}`}`, foreign(event.node, 40),
      foreign(why === '' ? event.edgeLabel : why, 120), event.cause === null || event.cause < 0 ? '–' : `q/${event.partition}/${event.cause}`,
      duration(event.latencyMs), clockTime(event.tsMs), event.rubricScore === null ? '–' : event.rubricScore.toFixed(2), event.outputHash === '' ? '–' : foreign(event.outputHash, 64).slice(0, 10),
    ];
  }), terminal);
}

/** Empty where all went well. */
function reasonsOf(event: AuditEvent): string {
  return [...new Set([...(event.reason === '' ? [] : [event.reason]), ...reasonCodes(event)])].slice(0, 3).join(', ');
}

function tone(event: AuditEvent, colors: Terminal['colors']): (text: string) => string {
  if (/Rejected$|Failed$|^Claim/.test(event.eventType)) return colors.red;
  return /Verified$|Completed$/.test(event.eventType) ? colors.green : (text) => text;
}
