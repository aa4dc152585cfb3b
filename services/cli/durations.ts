/** `85 ms`, `1.24 s`, `3 min 5 s`, `2 h 4 min`; a dash where there is none. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
}

/** `2025-03-01 14:02:07Z`; a dash where there is none. */
export function moment(atMs: number | null | undefined): string {
  return atMs === null || atMs === undefined || !Number.isFinite(atMs) ? '–' : new Date(atMs).toISOString().replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** `14:02:07.123`, UTC. */
export function clockTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 23);
}

/** `512 B`, `1.4 KiB`, `3.0 MiB`. */
export function byteSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
