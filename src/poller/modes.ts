/** Switches of the poller that an option or the environment sets. */

/**
 * The mode asked for, else the one that the environment variable names, else the first. Throws `RangeError` for any other. `what` is the
 * verb of the message.
 */
export function chooseMode<Mode extends string>(
  what: string,
  modes: readonly Mode[],
  variable: string,
  asked?: string,
): Mode {
  const named = globalThis.process?.env?.[variable] || undefined;
  const name = asked ?? named ?? modes[0];
  const found = modes.find((mode) => mode === name);
  if (found !== undefined) return found;
  const source = asked === undefined ? ` (from ${variable})` : '';
  throw new RangeError(`no way to ${what} '${name}'${source}; there are: ${modes.join(', ')}`);
}
