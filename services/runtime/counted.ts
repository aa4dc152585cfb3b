/** `counted(1, 'job')` is `1 job`, `counted(2, 'job')` is `2 jobs`; `plural` where an s does not make it. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
