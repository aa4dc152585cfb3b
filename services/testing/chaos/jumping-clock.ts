// Preloaded into a service (node --import): on SIGUSR2 the wall clock of that process jumps an hour ahead, back, an
// hour behind, back, … Timers and the monotonic clock go on as they did, as when somebody sets a machine's clock.

const hourMs = 3600_000;
const offsetsMs = [hourMs, 0, -hourMs, 0];
const trueNow = Date.now.bind(Date);
const TrueDate = Date;
let jumps = 0;
let offsetMs = 0;

class JumpingDate extends TrueDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(trueNow() + offsetMs);
    else super(...args as [number]);
  }

  static override now(): number {
    return trueNow() + offsetMs;
  }
}

globalThis.Date = JumpingDate as DateConstructor;
process.on('SIGUSR2', () => {
  offsetMs = offsetsMs[jumps % offsetsMs.length] as number;
  jumps += 1;
});
