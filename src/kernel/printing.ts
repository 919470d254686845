/** How things are printed that know everything: a line for each, and not the tree of all tasks behind it. */

/** @internal The method that Node's `console.log` asks, under its name in the registry: no Node is needed for that. */
export const PRINTED: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
