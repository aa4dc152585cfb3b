import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { watchClock } from './clock-watch.js';

test('tells once of a clock that is set back, and of none that goes on, drifts or is set ahead', () => {
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    let monotonicMs = 0;
    let offsetMs = 0;
    let told = 0;
    const pass = (): void => {
      monotonicMs += 500;
      mock.timers.tick(500);
    };
    const stop = watchClock({ stepMsMin: 1_000, onSetBack: (byMs) => { told += 1; assert.equal(byMs, 3600_000); }, wallMs: () => 1e12 + monotonicMs + offsetMs, monotonicMs: () => monotonicMs });
    pass();
    offsetMs -= 200;
    pass();
    offsetMs += 3600_000;
    pass();
    assert.equal(told, 0);
    offsetMs -= 3600_000;
    pass();
    pass();
    assert.equal(told, 1);
    stop();
    offsetMs -= 3600_000;
    pass();
    assert.equal(told, 1);
  } finally {
    mock.timers.reset();
  }
});
