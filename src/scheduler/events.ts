/**
 * Events of Node and of the web, inside tasks. The listeners are there exactly while a task waits: whatever ends the
 * wait takes them away.
 */

import { CancelError, Op, PENDING, type Waker } from '../kernel/index.ts';
import { checkSignal } from '../kernel/scope.ts';

/** What {@link once} needs of an `EventEmitter`. */
export interface Emitter {
  // As wide as can be: emitters declare the names and the arguments of their events, each in its way.

  /** Adds a listener. */
  on(event: never, listener: never): unknown;
  /** Takes a listener away. */
  off(event: never, listener: never): unknown;
}

/** Options of {@link once}. */
export interface OnceOptions {
  /** Makes the wait fail with a `CancelError` when it is aborted; its `reason` is the signal's. */
  signal?: AbortSignal;
}

type Listener = (...args: unknown[]) => void;

/** The listeners of one wait. */
class Listening<T> {
  private readonly waker: Waker<T>;
  private readonly removals: (() => void)[] = [];
  private over = false;

  constructor(waker: Waker<T>) {
    this.waker = waker;
  }

  wake(value: T): void {
    this.end();
    this.waker.wake(value);
  }

  fail(error: unknown): void {
    this.end();
    this.waker.fail(error);
  }

  end(): void {
    this.over = true;
    for (const remove of this.removals.splice(0)) remove();
  }

  onEmitter(emitter: Emitter, event: string | symbol, listener: Listener): void {
    emitter.on(event as never, listener as never);
    this.added(() => emitter.off(event as never, listener as never));
  }

  onTarget<E extends Event>(target: EventTarget, event: string, listener: (event: E) => void): void {
    target.addEventListener(event, listener as (event: Event) => void);
    this.added(() => target.removeEventListener(event, listener as (event: Event) => void));
  }

  private added(remove: () => void): void {
    // An emitter tells of new listeners, and whoever hears of it may emit the event.
    if (this.over) remove();
    else this.removals.push(remove);
  }
}

abstract class EventWait<T, S extends object> extends Op<T> {
  protected readonly source: S;
  protected readonly event: string | symbol;
  private readonly signal: AbortSignal | undefined;

  constructor(source: S, event: string | symbol, { signal }: OnceOptions) {
    super();
    this.source = source;
    this.event = event;
    this.signal = signal;
  }

  override try(): typeof PENDING {
    if (this.signal?.aborted === true) throw new CancelError('abort', this.signal.reason);
    return PENDING;
  }

  override park(waker: Waker<T>): void {
    const { signal } = this;
    const listening = new Listening(waker);
    waker.state = listening;
    try {
      this.listen(listening);
      if (signal !== undefined) {
        listening.onTarget(signal, 'abort', () => listening.fail(new CancelError('abort', signal.reason)));
      }
    } catch (error) {
      listening.end();
      throw error;
    }
  }

  override abort(waker: Waker<T>): boolean {
    (waker.state as Listening<T>).end();
    return true;
  }

  override describe(): string {
    return `the event '${String(this.event)}' of ${this.source.constructor?.name ?? 'an object'}`;
  }

  protected abstract listen(listening: Listening<T>): void;
}

class EmitterWait extends EventWait<unknown[], Emitter> {
  protected override listen(listening: Listening<unknown[]>): void {
    const { source, event } = this;
    listening.onEmitter(source, event, (...args) => listening.wake(args));
    if (event !== 'error') listening.onEmitter(source, 'error', (error) => listening.fail(error));
  }
}

class TargetWait extends EventWait<Event, EventTarget> {
  protected override listen(listening: Listening<Event>): void {
    listening.onTarget(this.source, this.event as string, (event) => listening.wake(event));
  }
}

/**
 * Waits for the next event of an `EventEmitter`, and gives its arguments; of an `EventTarget`, and gives the `Event`.
 * What has both faces counts as an emitter. It listens from the `yield` on: what happened before it is not heard.
 *
 * An emitter's `'error'` is thrown, unless it is what is waited for: as `events.once` does. In `runSync()` only what
 * tasks do themselves can make an event. Throws `TypeError` for what is neither an emitter nor a target.
 *
 * @example
 * const [code] = yield* once<[number | null]>(child, 'exit');
 */
export function once<A extends unknown[] = unknown[]>(
  emitter: Emitter,
  event: string | symbol,
  options?: OnceOptions,
): Op<A>;
export function once<E extends Event = Event>(target: EventTarget, event: string, options?: OnceOptions): Op<E>;
export function once(source: Emitter | EventTarget, event: string | symbol, options: OnceOptions = {}): Op<unknown> {
  checkSignal(options.signal);
  if (isEmitter(source)) return new EmitterWait(source, event, options);
  if (isTarget(source)) return new TargetWait(source, event, options);
  throw new TypeError('once takes an EventEmitter or an EventTarget, and the name of an event');
}

function isEmitter(value: unknown): value is Emitter {
  const { on, off } = (value ?? {}) as Partial<Emitter>;
  return typeof on === 'function' && typeof off === 'function';
}

function isTarget(value: unknown): value is EventTarget {
  return typeof (value as EventTarget | null | undefined)?.addEventListener === 'function';
}
