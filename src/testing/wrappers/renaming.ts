/**
 * Data that come back from a wait are the program's own choice, and need not be the same twice: a descriptor's generation counts
 * on through the life of a process. What must be the same is who is meant. So each datum of the recorded run stands for one of
 * this run, from the first call that tells the kernel of it; that two stand for one, or one for two, is a difference.
 */

import type { Call, RowsArgument } from './calls.ts';
import type { Value } from './snapshot.ts';

/** Names of one kernel set: what was recorded, and what it is now. */
class Names {
  private readonly now = new Map<number, number>();
  private readonly recorded = new Map<number, number>();

  /** Whether `recorded` and `asked` can mean the same; from now on they do. */
  agree(recorded: number, asked: number): boolean {
    const known = this.now.get(recorded);
    if (known !== undefined || this.recorded.has(asked)) return known === asked;
    this.now.set(recorded, asked);
    this.recorded.set(asked, recorded);
    return true;
  }

  /** What a recorded datum is now; itself, if nobody has told the kernel of it. */
  current(recorded: number): number {
    return this.now.get(recorded) ?? recorded;
  }
}

/** The names of all kernel sets, each by its descriptor. */
export class Renaming {
  private readonly sets = new Map<number, Names>();

  /** The datum of a call that gives one. */
  agree(set: number, recorded: number, asked: number): boolean {
    return this.namesOf(set).agree(recorded, asked);
  }

  /** The data in rows that the program hands in. The other columns must be equal. */
  agreeRows(set: number, { datum, asked: width }: RowsArgument, recorded: Int32Array, asked: Int32Array): boolean {
    if (recorded.length !== asked.length) return false;
    return recorded.every((value, index) =>
      index % width === datum ? this.agree(set, value, asked[index] as number) : value === asked[index],
    );
  }

  /** Recorded rows with the data of now. */
  current(set: number, rows: Int32Array, columns: number, datum: number): Int32Array {
    const names = this.namesOf(set);
    return rows.map((value, index) => (index % columns === datum ? names.current(value) : value));
  }

  /** What a call has written, with the data of now. */
  currentOutputs(set: number, call: Call, outputs: readonly Value[]): readonly Value[] {
    const rows = call.args.find((argument) => argument.is === 'rows' && argument.asked < argument.columns);
    if (rows?.is !== 'rows' || rows.datum < 0) return outputs;
    return outputs.map((value) =>
      value instanceof Int32Array ? this.current(set, value, rows.columns, rows.datum) : value,
    );
  }

  /** A set is closed: the next one with this descriptor is another. */
  forget(set: number): void {
    this.sets.delete(set);
  }

  private namesOf(set: number): Names {
    let names = this.sets.get(set);
    if (names === undefined) {
      names = new Names();
      this.sets.set(set, names);
    }
    return names;
  }
}
