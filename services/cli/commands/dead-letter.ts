import type { AddCommand } from '../context.js';
export const addDeadLetter: AddCommand = () => undefined;
