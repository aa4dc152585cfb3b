import type { AddCommand } from '../context.js';
export const addUp: AddCommand = () => undefined;
