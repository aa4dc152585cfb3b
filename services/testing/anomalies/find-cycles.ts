// G1c: a circle of operations, each of which is read by the next or stands right before it in a log. Where operations
// only send, such a circle means that their batches lie within one another. Tarjan's components, without recursion.

import type { Book } from './find-anomalies.js';
import type { Operation, Place, Report, Value } from './history.js';

export function findCycles(history: readonly Operation[], book: Book, report: Report): void {
  const senders = new Map<Value, number>();
  history.forEach(({ sends }, index) => {
    for (const { place, values } of sends) {
      for (const value of values) senders.set(value, index);
      if (values.length > 1) checkBatch(place, values, book, report);
    }
  });
  const next: number[][] = history.map(() => []);
  const edge = (from: number | undefined, to: number | undefined): void => { if (from !== undefined && to !== undefined && from !== to) next[from]?.push(to); };
  // From one that only reads, nothing flows on.
  history.forEach(({ polls, sends }, index) => { if (sends.length > 0) for (const { values } of polls) for (const value of values) edge(senders.get(value), index); });
  for (const { values } of book.places.values()) {
    let before: number | undefined;
    for (const offset of [...values.keys()].sort((one, other) => one - other)) {
      const sender = senders.get(values.get(offset) as Value);
      edge(before, sender);
      before = sender;
    }
  }
  for (const circle of components(next)) report('G1c', placeOf(history[circle[0] as number]), `${circle.length} operations follow one another in a circle, of ${[...new Set(circle.map((index) => history[index]?.process))].join(', ')}`);
}

function checkBatch(place: Place, values: readonly Value[], book: Book, report: Report): void {
  for (let at = 1; at < values.length; at += 1) {
    const before = book.offsetOf(values[at - 1] as Value);
    const after = book.offsetOf(values[at] as Value);
    if (before !== undefined && after !== undefined && after < before) report('internal-nonmonotonic-send', place, `of one batch, ${values[at]} stands at ${after}, before ${values[at - 1]} at ${before}`);
  }
}

function placeOf(operation: Operation | undefined): Place {
  return operation?.sends[0]?.place ?? operation?.polls[0]?.place ?? '';
}

/** Strongly connected components of more than one. */
function components(next: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const found: number[][] = [];
  const indexOf = new Int32Array(next.length).fill(-1);
  const low = new Int32Array(next.length);
  const isOnStack = new Uint8Array(next.length);
  const stack: number[] = [];
  let counter = 0;
  const enter = (node: number): void => {
    indexOf[node] = low[node] = counter++;
    stack.push(node);
    isOnStack[node] = 1;
  };
  for (let root = 0; root < next.length; root += 1) {
    if (indexOf[root] !== -1) continue;
    const path: { readonly node: number; at: number }[] = [{ node: root, at: 0 }];
    enter(root);
    for (let top = path[path.length - 1]; top !== undefined; top = path[path.length - 1]) {
      const { node } = top;
      const to = next[node]?.[top.at++];
      if (to === undefined) {
        path.pop();
        const parent = path[path.length - 1]?.node;
        if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number);
        if (low[node] !== indexOf[node]) continue;
        const component = stack.splice(stack.lastIndexOf(node));
        for (const one of component) isOnStack[one] = 0;
        if (component.length > 1) found.push(component);
      } else if (indexOf[to] === -1) {
        enter(to);
        path.push({ node: to, at: 0 });
      } else if (isOnStack[to] === 1) low[node] = Math.min(low[node] as number, indexOf[to] as number);
    }
  }
  return found;
}
