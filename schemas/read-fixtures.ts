// What is kept of every version of the contract: each event's schema, one recorded event of each, and fingerprints.
// schemas/fixtures/vN/<Event>.avsc, <Event>.bin (frame and body, as it was on a log), fingerprints.json.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SchemaFixture {
  readonly event: string;
  readonly avro: unknown;
  /** Avro body without the frame. */
  readonly body: Buffer;
  /** SHA-256 of the parsing canonical form, 64 hex digits, as it was then. */
  readonly fingerprint: string;
}

export interface FixtureVersion {
  /** 1, 2, … */
  readonly version: number;
  readonly fixtures: readonly SchemaFixture[];
}

const frameBytes = 5;

/** All versions, oldest first. */
export function readFixtures(schemasDir: string): readonly FixtureVersion[] {
  const folder = join(schemasDir, 'fixtures');
  const versions = readdirSync(folder).filter((name) => /^v\d+$/.test(name)).map((name) => Number(name.slice(1))).sort((a, b) => a - b);
  return versions.map((version) => {
    const here = join(folder, `v${version}`);
    const fingerprints = JSON.parse(readFileSync(join(here, 'fingerprints.json'), 'utf8')) as Readonly<Record<string, string>>;
    const events = readdirSync(here).filter((name) => name.endsWith('.avsc')).map((name) => name.replace('.avsc', '')).sort();
    return {
      version,
      fixtures: events.map((event) => ({
        event, avro: JSON.parse(readFileSync(join(here, `${event}.avsc`), 'utf8')) as unknown,
        body: readFileSync(join(here, `${event}.bin`)).subarray(frameBytes), fingerprint: fingerprints[event] ?? '',
      })),
    };
  });
}
