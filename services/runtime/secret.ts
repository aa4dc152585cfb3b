import { inspect } from 'node:util';

const values = new WeakMap<Secret, string>();

/**
 * A value that must not reach a log, an error or a response: however it is printed (string, JSON, inspect,
 * enumeration, clone) it shows `[secret]`. Only `reveal()` gives the value, so every use can be found by name.
 */
export class Secret {
  constructor(value: string) {
    values.set(this, value);
    Object.freeze(this);
  }

  reveal(): string {
    return values.get(this) ?? '';
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
