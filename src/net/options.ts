/** What is common to all options: that they are an object. A bare port or path would else be taken for no options at all. */

/** Throws `TypeError` for options that are no object, as `listen(8080)` of other libraries has it. */
export function checkOptions(call: string, example: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  const given = typeof options === 'string' ? `the text '${options}'` : String(options);
  throw new TypeError(`${call} takes an object like ${example}, not ${given}`);
}
