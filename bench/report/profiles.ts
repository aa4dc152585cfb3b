// Where a service's processor time went, from the profile that V8 took of it: by function, by package, and as frames of
// an icicle. Pure.

/** The part of a .cpuprofile that counts here; times in µs. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }; readonly children?: readonly number[] }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Share { readonly name: string; /** 0 to 1, of the time the process was busy. */ readonly share: number }

/** A rectangle of the icicle: callers above what they call, widths and places as shares of the busy time. */
export interface Frame { readonly name: string; readonly depth: number; readonly from: number; readonly to: number }

export interface HotFunctions {
  readonly service: string;
  readonly busySeconds: number;
  readonly functions: readonly Share[];
  readonly packages: readonly Share[];
  readonly frames: readonly Frame[];
}

const functionsShown = 10;
const frameShareMin = 0.004;
const framesDeep = 40;
const notBusy = new Set(['(root)', '(idle)']);

/** @param buildRoot URL of the compiled sources: what lies below it is ours. */
export function hotFunctionsOf(service: string, profile: CpuProfile, buildRoot: string): HotFunctions {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const selfUs = new Map<number, number>();
  profile.samples.forEach((id, index) => {
    if (!notBusy.has(nodes.get(id)?.callFrame.functionName ?? '(root)')) selfUs.set(id, (selfUs.get(id) ?? 0) + Math.max(0, profile.timeDeltas[index] ?? 0));
  });
  const busyUs = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
  const by = (nameOf: (id: number) => string): Share[] => {
    const sums = new Map<string, number>();
    for (const [id, us] of selfUs) sums.set(nameOf(id), (sums.get(nameOf(id)) ?? 0) + us / busyUs);
    return [...sums].map(([name, share]) => ({ name, share })).sort((a, b) => b.share - a.share).slice(0, functionsShown);
  };
  const frameOf = (id: number): CpuProfile['nodes'][number]['callFrame'] => nodes.get(id)?.callFrame ?? { functionName: '(root)', url: '', lineNumber: 0 };
  return {
    service, busySeconds: busyUs / 1e6,
    functions: by((id) => labelOf(frameOf(id), buildRoot)), packages: by((id) => packageOf(frameOf(id), buildRoot)),
    frames: framesOf(profile, selfUs, busyUs),
  };
}

type CallFrame = CpuProfile['nodes'][number]['callFrame'];

function labelOf({ functionName, url, lineNumber }: CallFrame, buildRoot: string): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.startsWith(buildRoot) ? url.slice(buildRoot.length) : url.slice(url.lastIndexOf('node_modules/') + 1).replace('ode_modules/', '');
  return `${name} ${place}:${lineNumber + 1}`;
}

function packageOf({ functionName, url }: CallFrame, buildRoot: string): string {
  const installed = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (installed !== undefined) return installed;
  if (url.startsWith(buildRoot)) return 'blackboard';
  if (url.startsWith('node:')) return 'node';
  if (url !== '') return url;
  return functionName.startsWith('(') ? functionName : '(native)';
}

function framesOf(profile: CpuProfile, selfUs: ReadonlyMap<number, number>, busyUs: number): Frame[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const totals = new Map<number, number>();
  const totalOf = (id: number): number => {
    const known = totals.get(id);
    if (known !== undefined) return known;
    const total = (selfUs.get(id) ?? 0) + (nodes.get(id)?.children ?? []).reduce((sum, child) => sum + totalOf(child), 0);
    totals.set(id, total);
    return total;
  };
  const frames: Frame[] = [];
  const place = (id: number, depth: number, from: number): void => {
    const share = totalOf(id) / busyUs;
    if (share < frameShareMin || depth > framesDeep) return;
    if (depth >= 0) frames.push({ name: nodes.get(id)?.callFrame.functionName || '(anonymous)', depth, from, to: from + share });
    let at = from;
    for (const child of [...nodes.get(id)?.children ?? []].sort((a, b) => totalOf(b) - totalOf(a))) {
      place(child, depth + 1, at);
      at += totalOf(child) / busyUs;
    }
  };
  const [root] = profile.nodes;
  if (root !== undefined && busyUs > 0) place(root.id, -1, 0);
  return frames;
}
