// What was done to the parts and when, by the wall clock of this machine: what a report and an excuse are made of.

import type { Kind } from './fleet.js';

export interface Incident {
  readonly fault: string;
  readonly atMs: number;
  untilMs: number;
  /** Whom it may have made repeat work. */
  readonly touches: readonly (Kind | 'all')[];
  readonly about: string;
}

export interface Kill {
  readonly kind: Kind;
  readonly pid: number;
  readonly atMs: number;
}

export class Journal {
  readonly incidents: Incident[] = [];
  readonly kills: Kill[] = [];

  constructor(private readonly say: (line: string) => void) {}

  /** Notes that something begins; `untilMs` is Infinity until `end`. */
  begin(fault: string, touches: Incident['touches'], about: string): Incident {
    const incident: Incident = { fault, atMs: Date.now(), untilMs: Infinity, touches, about };
    this.incidents.push(incident);
    this.say(`${fault}: ${about}`);
    return incident;
  }

  end(incident: Incident): void {
    incident.untilMs = Date.now();
  }

  /** Notes something without duration. */
  note(fault: string, touches: Incident['touches'], about: string): void {
    this.end(this.begin(fault, touches, about));
  }

  /** Whether anything that touches a kind was under way between two times. */
  touched(kind: Kind, fromMs: number, untilMs: number): boolean {
    return this.incidents.some((incident) => incident.atMs <= untilMs && incident.untilMs >= fromMs && (incident.touches.includes('all') || incident.touches.includes(kind)));
  }
}
