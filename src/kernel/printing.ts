/** How things are printed that know everything: a line for each, and not the tree of all tasks behind it. */

/** The method that Node's `console.log` asks, under its name in the registry: no Node is needed for that. */
const PRINTED: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** @internal Has `console.log` show what this gives, instead of everything that things of this class hold. */
export function printAs<T>(type: { readonly prototype: T }, shown: (thing: T) => unknown): void {
  Object.defineProperty(type.prototype, PRINTED, {
    value(this: T): unknown {
      return shown(this);
    },
  });
}
