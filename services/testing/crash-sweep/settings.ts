/** Of quarantine and verified. */
export const partitions = 2;
/** So few that every round renews an epoch. */
export const renewAfterRecords = 4;
