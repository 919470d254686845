/**
 * epoll(7): a set of open files, each under the number by which it was added. An entry lives as long as the file, and so longer than the
 * number if a dup keeps the file open: then nothing but closing the dup, or the set, ends its reports.
 */

import { EPOLL_ROW } from '../../os/index.ts';
import { Numbers } from './constants.ts';
import type { Dice } from './dice.ts';
import { Errno } from './errno.ts';
import { type FileWatcher, OpenFile } from './file.ts';

const { POLLIN, EPOLLERR, EPOLLHUP, EPOLLONESHOT, EPOLLET, EPOLLEXCLUSIVE, EPOLLIN, EPOLLOUT, EPOLLPRI } = Numbers;
const ANONYMOUS_MODE = 0o600;
/** Sets in sets, the outermost counted (EP_MAX_NESTS). */
const MOST_NESTED = 5;
const ALWAYS = EPOLLERR | EPOLLHUP;
/** What a report may claim without being true: not that something has ended. */
const PRETENDED = EPOLLIN | EPOLLOUT | EPOLLPRI;

interface Entry {
  readonly file: OpenFile;
  readonly fd: number;
  events: number;
  low: number;
  high: number;
}

/** What epoll_ctl(2) wants changed. */
export interface EpollChange {
  readonly operation: number;
  readonly fd: number;
  readonly events: number;
  readonly low: number;
  readonly high: number;
}

/** An epoll set. */
export class EpollSet extends OpenFile implements FileWatcher {
  readonly kind = 'epoll set';
  readonly mode: number = ANONYMOUS_MODE;
  private readonly dice: Dice;
  /** Those that were reported last stand at the end: if not all fit, the others come first. */
  private entries: Entry[] = [];

  constructor(dice: Dice) {
    super();
    this.dice = dice;
  }

  override readiness(): number {
    return this.entries.some((entry) => flagsOf(entry) !== 0) ? POLLIN : 0;
  }

  /** epoll_ctl(2) for a file that is open under `change.fd`. */
  control(change: EpollChange, file: OpenFile): number {
    const { operation, fd, events } = change;
    if (!file.pollable) return -Errno.EPERM;
    if (file === this) return -Errno.EINVAL;
    const place = this.entries.findIndex((entry) => entry.file === file && entry.fd === fd);
    const entry = this.entries[place];
    if (operation === Numbers.EPOLL_CTL_DEL) {
      if (entry === undefined) return -Errno.ENOENT;
      this.remove([entry]);
      return 0;
    }
    if (operation !== Numbers.EPOLL_CTL_ADD && operation !== Numbers.EPOLL_CTL_MOD) return -Errno.EINVAL;
    // Edges are a matter of wake-ups, of which there are none here.
    if ((events & (EPOLLET | EPOLLEXCLUSIVE)) !== 0) return -Errno.EINVAL;
    if (operation === Numbers.EPOLL_CTL_MOD) {
      if (entry === undefined) return -Errno.ENOENT;
      Object.assign(entry, { events: events | ALWAYS, low: change.low, high: change.high });
      return 0;
    }
    if (file instanceof EpollSet && (file.contains(this) || file.depth >= MOST_NESTED)) return -Errno.ELOOP;
    if (entry !== undefined) return -Errno.EEXIST;
    this.entries.push({ file, fd, events: events | ALWAYS, low: change.low, high: change.high });
    if (!file.watchers.includes(this)) file.watchers.push(this);
    return 0;
  }

  /** Writes what is ready into the rows: how many, 0 if nothing is. */
  collect(rows: Int32Array): number {
    const room = Math.floor(rows.length / EPOLL_ROW);
    const chosen = this.entries.filter((entry) => flagsOf(entry) !== 0).slice(0, room);
    const phantom = chosen.length < room ? this.phantomBeside(chosen) : undefined;
    const reports = chosen.map((entry) => ({ entry, flags: flagsOf(entry) }));
    if (phantom !== undefined) reports.push({ entry: phantom, flags: phantom.events & PRETENDED });
    this.dice.shuffle(reports).forEach(({ entry, flags }, index) => {
      rows.set([flags, entry.low, entry.high], index * EPOLL_ROW);
      if ((entry.events & EPOLLONESHOT) !== 0) entry.events = EPOLLONESHOT;
    });
    if (chosen.length > 0) {
      const reported = new Set(chosen);
      this.entries = [...this.entries.filter((entry) => !reported.has(entry)), ...chosen];
    }
    return reports.length;
  }

  gone(file: OpenFile): void {
    this.remove(this.entries.filter((entry) => entry.file === file));
  }

  protected override closed(): void {
    this.remove([...this.entries]);
  }

  private remove(entries: readonly Entry[]): void {
    this.entries = this.entries.filter((entry) => !entries.includes(entry));
    for (const { file } of entries) {
      if (this.entries.some((entry) => entry.file === file)) continue;
      const place = file.watchers.indexOf(this);
      if (place >= 0) file.watchers.splice(place, 1);
    }
  }

  /** One that is not ready and is reported all the same. */
  private phantomBeside(chosen: readonly Entry[]): Entry | undefined {
    if (!this.dice.pretends) return undefined;
    const others = this.entries.filter((entry) => (entry.events & PRETENDED) !== 0 && !chosen.includes(entry));
    return others[this.dice.phantom(others.length)];
  }

  private contains(set: EpollSet): boolean {
    return this.entries.some(({ file }) => file === set || (file instanceof EpollSet && file.contains(set)));
  }

  private get depth(): number {
    return 1 + Math.max(0, ...this.entries.map(({ file }) => (file instanceof EpollSet ? file.depth : 0)));
  }
}

/** What is to be reported of an entry. One whose one shot was fired asks for nothing, not even for a hang-up. */
function flagsOf({ file, events }: Entry): number {
  return file.readiness() & events;
}
