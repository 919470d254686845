/** The same few lines on the real kernel and on the simulated one, which must say the same. */

import { realSys, SystemError } from 'genloop/os';
import { SimulatedSystem, type SimulatedSystemOptions } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { Opened } from '../../support/situations.ts';
import { notRun, type Suite } from '../../support/suite.ts';
import { inside } from '../../support/systems.ts';

/** A socket of the real kernel has so much. */
const BUFFERS: SimulatedSystemOptions = { sendBuffer: 212_992, receiveBuffer: 212_992 };

/** Adds a test for each of the two systems. `body` returns what it saw, which has to be `expected`. */
export function onBoth(test: Suite, name: string, body: (opened: Opened) => unknown, expected: unknown): void {
  test(`${name} (simulated)`, () => {
    const system = new SimulatedSystem(BUFFERS);
    inside(system, () => check(body, expected));
    assert.equal(system.descriptors, [], 'all is closed');
  });
  if (process.platform !== 'linux') notRun(`'${name}' on this kernel: the simulated system is a Linux`);
  else test(`${name} (real)`, () => inside(realSys(), () => check(body, expected)));
}

function check(body: (opened: Opened) => unknown, expected: unknown): void {
  const opened = new Opened();
  try {
    assert.equal(body(opened), expected);
  } finally {
    opened.close();
  }
}

/** What a call gives, or the code of its error. */
export function said(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
}

/** What a socket or pipe has received, as text. */
export function text(data: Buffer | undefined): string | undefined {
  return data?.toString();
}
