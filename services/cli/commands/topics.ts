import type { AddCommand } from '../context.js';
export const addTopics: AddCommand = () => undefined;
