/** The numbers of the system's headers, by their C names, looked up in the current system at each use. */

import { currentSys } from './native.ts';
import type { Constants } from './sys.ts';

/**
 * AF_INET, SOCK_STREAM, SO_REUSEADDR, POLLIN, EPOLLET, O_RDONLY, …: `constants.EPOLLIN`. A name that this system does
 * not have is `undefined`; `'EPOLLIN' in constants` asks.
 */
export const constants: Constants = new Proxy(
  {},
  {
    get: (_, name) => (typeof name === 'string' ? currentSys().constants[name] : undefined),
    has: (_, name) => name in currentSys().constants,
    ownKeys: () => Reflect.ownKeys(currentSys().constants),
    getOwnPropertyDescriptor: (_, name) =>
      name in currentSys().constants
        ? { value: currentSys().constants[name as string], enumerable: true, configurable: true }
        : undefined,
    set: () => false,
  },
);
