import assert from 'node:assert/strict';
import { test } from 'node:test';
import { javaMajor } from './needs.js';

test('reads the major version as old and new Javas say it, and nothing from anything else', () => {
  assert.equal(javaMajor('openjdk version "17.0.15" 2025-04-15'), 17);
  assert.equal(javaMajor('openjdk version "21" 2023-09-19'), 21);
  assert.equal(javaMajor('java version "1.8.0_392"'), 8);
  assert.equal(javaMajor('No Java runtime present'), undefined);
});
