import type { AddCommand } from '../context.js';
export const addDoctor: AddCommand = () => undefined;
