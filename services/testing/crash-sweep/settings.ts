/** Of quarantine and verified. */
export const partitions = 2;
/** So few that every round renews an epoch. */
export const renewAfterRecords = 4;
/** So often that a round or two bring one, and owners restore from it. */
export const snapshots = { everyRecords: 10, everyMs: 200, pollMs: 300 } as const;
/** The fewest that the process of its own takes. */
export const snapshotEveryRecords = 100;
