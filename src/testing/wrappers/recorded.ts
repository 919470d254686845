/** Writing down a run: everything that the system has told the program, so that it can be told again. */

import { BACKEND_ROW, type DecodedAddress, type Sys } from '../../os/index.ts';
import { callOf } from './calls.ts';
import { SysLog } from './log.ts';
import { inputsOf, outputsOf, type Value } from './snapshot.ts';
import { registrationIn, wrapCalls } from './wrap.ts';

/** What {@link recorded} returns. */
export interface Recording {
  /** The system to run the program on. */
  readonly sys: Sys;
  /** What was called so far. It grows as long as the system is used. */
  readonly log: SysLog;
}

/**
 * A system like `sys`, and a log of all its calls with all that they returned: results, bytes, addresses, events, the time. A run
 * that depends on nothing else (no `Date`, no `Math.random`, no promise) can be had again from the log, by `replayed`.
 *
 * @example
 * const { sys, log } = recorded(realSys());
 * const scheduler = new Scheduler({ sys });
 * scheduler.spawn(server());
 * scheduler.runSync();
 * writeFileSync('run.log', log.toString());
 */
export function recorded(sys: Sys): Recording {
  const log = new SysLog(sys.platform, sys.constants, sys.backend !== undefined);
  const wrapper = wrapCalls(
    sys,
    (name, args, happen, backend) => {
      const call = callOf(name);
      const inputs = inputsOf(call, args);
      try {
        const result = (happen() ?? null) as number | DecodedAddress | null;
        let outputs: Value[] = outputsOf(call, args, result);
        if (name === 'backend.wait')
          outputs = [backend?.rows.slice(0, Math.max(0, result as number) * BACKEND_ROW) ?? null];
        if (name === 'backend.change' || name === 'backend.remove') outputs = [registrationIn(args).armed];
        log.add({ call: name, inputs, result, outputs, thrown: null });
        return result ?? undefined;
      } catch (error) {
        log.add({ call: name, inputs, result: null, outputs: [], thrown: thrownOf(error) });
        throw error;
      }
    },
    (name, open) => {
      try {
        const backend = open();
        const outputs = [backend.fd, Number(backend.alarm !== undefined)];
        log.add({ call: 'backend', inputs: [name], result: 0, outputs, thrown: null });
        return backend;
      } catch (error) {
        log.add({ call: 'backend', inputs: [name], result: null, outputs: [], thrown: thrownOf(error) });
        throw error;
      }
    },
  );
  return { sys: wrapper, log };
}

function thrownOf(error: unknown): [string, string] {
  return error instanceof Error ? [error.name, error.message] : ['Error', String(error)];
}
