// The contract that every log passes, so that what is proven on one holds on the others. It suits a real broker:
// topics may hold records already, groups are unique, and nothing expects more than order and bounds of time.

import { after, before, describe } from 'node:test';
import type { LogPort } from '../runtime/log/port.js';
import { appendRules, readRules } from './log-contract-appends.js';
import { deliveryRules, groupRules } from './log-contract-groups.js';
import type { LogUnderTest, Rig } from './log-contract-rig.js';

/** Registers the contract's tests for one adapter; `makeLog` is called once, before the first of them. */
export function logContract(name: string, makeLog: () => Promise<LogUnderTest>): void {
  describe(`the log contract: ${name}`, () => {
    let subject: LogUnderTest;
    let log: LogPort;
    before(async () => {
      subject = await makeLog();
      log = await subject.open();
    });
    after(async () => {
      await log.close();
      await subject.dispose();
    });
    const rig: Rig = { subject: () => subject, log: () => log };
    describe('appending', () => { appendRules(rig); });
    describe('reading', () => { readRules(rig); });
    describe('delivering', () => { deliveryRules(rig); });
    describe('sharing', () => { groupRules(rig); });
  });
}
