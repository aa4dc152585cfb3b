// kafkajs 2.2.4 looks once a millisecond, on each connection and for ever, whether a request waits that a quota holds
// back: 4,400 timers a second and 3 % of a core in a process that does nothing. Set once more after a connection has
// ended, the timer also keeps a process from ending. Here it is set only while something waits.

import RequestQueue, { type HeldRequests } from 'kafkajs/src/network/requestQueue/index.js';

/** As kafkajs's own, for what waits because too many requests are under way. */
const lookEveryMs = 10;

RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: HeldRequests): void {
  if (this.pending.length === 0 || (this.throttleCheckTimeoutId ?? null) !== null) return;
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, Math.max(lookEveryMs, this.throttledUntil - Date.now()));
};
