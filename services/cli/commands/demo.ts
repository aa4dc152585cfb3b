import type { AddCommand } from '../context.js';
export const addDemo: AddCommand = () => undefined;
