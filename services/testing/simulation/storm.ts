// What befalls the processes of a run while its storm lasts, and how all of it is lifted.

import type { Place, World } from './world.js';

const everyMs = 100;

/** Strikes again and again until the storm is over. */
export function storm(world: World, untilMs: number): void {
  const { scheduler } = world;
  if (scheduler.nowMs >= untilMs) return;
  for (const place of [...world.places]) strikeProcess(world, place);
  strikeWorld(world);
  world.takeSnapshot();
  scheduler.at(everyMs, () => { storm(world, untilMs); });
}

function strikeProcess(world: World, place: Place): void {
  const { faults, dice, scheduler } = world;
  const { process } = place;
  if (!process.isAlive || !place.isKept) return;
  if (faults.strikes('local-clock-jump')) process.stepClock(dice.chance(0.2) ? dice.between(-3_600_000, 3_600_000) : dice.between(-120_000, 120_000));
  const crash = place.role === 'orchestrator' ? 'orchestrator-crash' : place.role === 'projector' ? 'projector-crash' : 'agents-crash';
  if (faults.strikes(crash)) return world.crash(place);
  if (place.role === 'projector' || process.isStalled) return;
  if (!stalls(world, place)) return;
  process.stall();
  scheduler.at(dice.between(50, 3_000), () => { process.wake(); });
}

/** An owner that is about to take a partition again is stopped more easily: what it knows of its group is old when it goes on (R6). */
function stalls({ faults }: World, { role, orchestrator }: Place): boolean {
  if (role !== 'orchestrator') return faults.strikes('agents-stall');
  const tries = orchestrator?.partitions().some(({ phase }) => phase === 'taking') === true ? triesWhileTaking : 1;
  for (let left = tries; left > 0; left -= 1) if (faults.strikes('orchestrator-stall')) return true;
  return false;
}

const triesWhileTaking = 6;

function strikeWorld(world: World): void {
  const { faults, dice, scheduler, store } = world;
  if (faults.strikes('positions-lost')) store.forgetPositions();
  if (faults.strikes('member-churn')) visit(world, '');
  if (faults.strikes('rival-owner') && !world.places.some((place) => place.group === rivals)) visit(world, rivals);
  if (faults.strikes('append-time-falls-back')) {
    const byMs = dice.between(1, 12_000);
    world.logSkewMs -= byMs;
    scheduler.at(dice.between(100, 3_000), () => { world.logSkewMs += byMs; });
  }
  if (faults.strikes('append-time-jumps')) world.logSkewMs += dice.between(100, dice.chance(0.2) ? 3_600_000 : 8_000);
}

const rivals = 'bb-rivals';

/** An orchestrator that comes and goes, politely or not. */
function visit(world: World, group: string): void {
  const { dice, scheduler } = world;
  const guest = world.place('orchestrator', group);
  guest.isKept = false;
  scheduler.at(dice.between(100, 1_500), () => {
    if (!guest.process.isAlive || guest.process.isStalled || dice.chance(0.5)) return world.remove(guest);
    const leave = (): void => { world.remove(guest); };
    if (guest.orchestrator === null) leave();
    else void guest.orchestrator.close().then(leave, leave);
  });
}

/** Ends every fault: guests leave, the stopped go on, the dead are on their way back. */
export function heal(world: World): void {
  world.faults.heal();
  for (const place of [...world.places]) {
    if (!place.isKept) world.remove(place);
    else {
      place.process.mendClock();
      place.process.wake();
    }
  }
}
