import { systemClock, type Clock } from './clock.js';

/** The answer, or a rejection when it takes longer. What it would have said then is nobody's. */
export function within<T>(answer: Promise<T>, ms: number, after: Clock['after'] = systemClock.after): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => { reject(new Error(`no answer within ${ms} ms`)); });
    answer.then(resolve, reject).finally(cancel);
  });
}
