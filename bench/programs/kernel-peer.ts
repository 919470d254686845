/**
 * Runs one measurement of another library, from bench/peers/. Prints one number.
 *
 *   kernel-peer FILE MEASUREMENT [ARGUMENT…]
 */

import { pathToFileURL } from 'node:url';
import { type Kit, kit } from './kernel-kit.ts';

type Measurement = (kit: Kit, ...args: string[]) => unknown;

const [file = '', measurement = '', ...args] = process.argv.slice(2);
const peer = (await import(pathToFileURL(file).href)) as Record<string, Measurement>;
// Not awaited: each of them ends the process itself.
void (peer[measurement] as Measurement)(kit, ...args);
