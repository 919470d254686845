/** Runs the tasks of a program: each statement, and what the witness has to be told of it. */

import {
  all,
  allSettled,
  CancelError,
  type CancelScope,
  type Co,
  cancelScope,
  cleanup,
  failAfter,
  firstSuccess,
  type Group,
  group,
  MisuseError,
  moveOnAfter,
  type Op,
  race,
  runningTask,
  select,
  type Task,
  TimeoutError,
} from 'genloop/kernel';
import type { Scheduler } from 'genloop/scheduler';
import type { SimulatedSystem } from 'genloop/testing';
import type { Started } from './claims.ts';
import type { GroupRecord, Life } from './ledger.ts';
import { Immediate } from './operations.ts';
import { Watched } from './park.ts';
import type { Statement, Together, Wait } from './program.ts';
import type { Stage } from './stage.ts';
import { Reading, Writing } from './transfers.ts';
import { operationOf } from './waits.ts';
import { transferOf, watchTransfer } from './watch-transfer.ts';
import type { Witness } from './witness.ts';

/** Thrown by `fail`. */
export class Planned extends Error {
  override readonly name = 'Planned';
}

/** Where a statement stands: the innermost group, which gets what is spawned. */
interface Place {
  readonly group: Group | null;
  readonly record: GroupRecord | null;
}

const OUTSIDE: Place = { group: null, record: null };

/** The tasks of one run. */
export class Actor {
  /** What the run should throw: failures of tasks that belong to no group, in their order. */
  readonly failures: unknown[] = [];
  private readonly scheduler: Scheduler;
  private readonly system: SimulatedSystem;
  private readonly stage: Stage;
  private readonly witness: Witness;
  private readonly tasks = new Map<number, Task<unknown>>();
  private readonly scopes = new Map<number, CancelScope>();
  /** Those that have come out of the block whose deadline it was; they may go through others. */
  /** The last group of each number, also when it has been left. */
  private readonly groups = new Map<number, Place>();
  /** What the tasks of kept groups give. */
  private readonly numbers = new Map<Life, number>();
  private readonly timeouts = new WeakSet<TimeoutError>();
  private planned = 0;

  constructor(scheduler: Scheduler, system: SimulatedSystem, stage: Stage, witness: Witness) {
    this.scheduler = scheduler;
    this.system = system;
    this.stage = stage;
    this.witness = witness;
  }

  /** Spawns a task of the program, under its number. */
  spawn(number: number, body: readonly Statement[], place: Place = OUTSIDE, daemon: boolean = false): void {
    const { ledger } = this.witness;
    const life = ledger.life(place.record);
    this.numbers.set(life, number);
    const code = this.live(life, number, this.run(body, place));
    const name = `t${number}`;
    const task =
      place.group === null ? this.scheduler.spawn(code, { name }) : place.group.spawn(code, { name, daemon });
    ledger.born(life, task as Task<unknown>);
    place.record?.lives.push(life);
    if (daemon) place.record?.daemons.push(life);
    this.tasks.set(number, task as Task<unknown>);
  }

  /** The code of a task, with what the books have to be told of it. */
  private *live(life: Life, number: number, body: Co<void>): Co<number> {
    life.began = true;
    try {
      yield* body;
      life.completed = true;
      return number;
    } catch (error) {
      life.thrown.push(error);
      if (!(error instanceof CancelError)) {
        // Of one that is not ready yet, its starter is told.
        if (life.group === null) this.failures.push(error);
        else if (!life.group.isolate && life.start !== 'waiting') life.group.failures.push(error);
      }
      throw error;
    }
  }

  /** Starts a task in the innermost group, and waits until it is ready. */
  private *start(each: Extract<Statement, { do: 'start' }>, { group, record }: Place): Co<void> {
    if (group === null || record === null) return;
    const { task: number, daemon } = each;
    const { ledger } = this.witness;
    const place: Place = { group, record };
    const started: Started = { life: null };
    const self = this;
    const begin = (ready: (number: number) => void): Co<number> => {
      const life = ledger.life(record);
      started.life = life;
      life.start = 'waiting';
      record.lives.push(life);
      if (daemon) record.daemons.push(life);
      self.numbers.set(life, number);
      const code = function* (): Co<void> {
        self.tasks.set(number, runningTask());
        ledger.born(life, runningTask());
        yield* self.run(each.body, place);
        life.start = 'ready';
        ready(number);
        yield* self.run(each.last, place);
      };
      return self.live(life, number, code());
    };
    const operation = group.start<number>(begin, { name: `t${number}`, daemon });
    let value: unknown;
    try {
      value = yield* new Watched(this.witness, { kind: 'start', target: started }, operation);
    } catch (error) {
      this.witness.threw(runningTask(), error);
      ledger.startFailed(started.life, error);
      if (error instanceof CancelError) throw error;
      return;
    }
    if (started.life?.start !== 'ready' || value !== number) {
      this.witness.violate('no value lost', `${started.life?.task} gave its starter ${String(value)}, not ${number}`);
    }
  }

  /** Spawns into a group from outside: one that has been left refuses it (rule 20). */
  private intrude(scope: number, number: number, body: readonly Statement[]): void {
    const place = this.groups.get(scope);
    if (place === undefined || place.record === null) return;
    const { over } = place.record;
    try {
      this.spawn(number, body, place);
    } catch (error) {
      if (!(error instanceof MisuseError) || !over) throw error;
      return;
    }
    if (over) this.witness.violate('groups wait', `a group that has been left has taken t${number}`);
  }

  private *run(list: readonly Statement[], place: Place): Co<void> {
    const { stage } = this;
    for (const each of list) {
      switch (each.do) {
        case 'pass':
          yield* this.giveWay();
          break;
        case 'sleep':
        case 'stubborn':
        case 'careless':
        case 'take':
        case 'await':
        case 'read':
        case 'write':
        case 'join':
        case 'receive':
        case 'transmit':
        case 'next':
          yield* this.wait(each, false, place);
          break;
        case 'loud':
          yield* this.wait(each.wait, true, place);
          break;
        case 'select':
          yield* this.select(each.of, place);
          break;
        case 'start':
          yield* this.start(each, place);
          break;
        case 'intrude':
          this.intrude(each.scope, each.task, each.body);
          break;
        case 'put':
          stage.queues[each.queue]?.put(this.witness.ledger.item());
          break;
        case 'wake':
          this.wake(each.event, each.count);
          break;
        case 'move':
          this.move(each.event, each.to);
          break;
        case 'break':
          stage.events[each.event]?.waiters.fail(this.failure());
          break;
        case 'send':
          stage.send(each.end, each.bytes);
          break;
        case 'drain':
          stage.receive(each.end);
          break;
        case 'close':
          stage.close(each.end);
          break;
        case 'shutdown':
          stage.shutdown(each.end);
          break;
        case 'ghost':
          stage.ghost(each.end);
          break;
        case 'open':
          stage.open(each.pair);
          break;
        case 'echo':
          yield* this.echo(each.end);
          break;
        case 'compute':
          this.system.advance(each.ms);
          break;
        case 'burst':
          for (let count = 0; count < each.count; count++) {
            yield* new Watched(this.witness, { kind: 'burst', target: '' }, new Immediate());
          }
          break;
        case 'passes':
          for (let count = 0; count < each.count; count++) yield* this.giveWay();
          break;
        case 'fail':
          throw this.failure();
        case 'cancel':
          this.cancel(this.tasks.get(each.task));
          break;
        case 'cancelScope':
          this.cancel(this.scopes.get(each.scope), each.cleanup);
          break;
        case 'expire':
          this.expire(each.scope, each.ms);
          break;
        case 'spawn':
          this.spawn(each.task, each.body, place, each.daemon && place.group !== null);
          break;
        case 'block':
          yield* this.block(each, place);
          break;
        case 'group':
          yield* this.group(each);
          break;
        case 'together':
          yield* this.together(each.how, each.body, place);
          break;
        case 'try': {
          const record = this.witness.ledger.entered();
          try {
            yield* this.run(each.body, place);
          } finally {
            this.witness.ledger.finally(record);
            yield* this.run(each.last, place);
          }
          break;
        }
        case 'swallow':
          try {
            yield* this.run(each.body, place);
          } catch {
            // A program that minds nothing: the next trap has to tell it again (rule 2).
          }
          break;
      }
    }
  }

  private *giveWay(): Co<void> {
    try {
      yield;
    } catch (error) {
      this.witness.threw(runningTask(), error);
      throw error;
    }
  }

  private *wait(wait: Wait, loud: boolean, place: Place): Co<void> {
    const operation = this.operation(wait, place);
    if (operation === null) return;
    let value: unknown;
    try {
      value = yield* operation;
    } catch (error) {
      this.witness.threw(runningTask(), error);
      transferOf(operation)?.failed(error, true);
      if (error instanceof CancelError || loud) throw error;
      return;
    }
    this.got(wait, value, operation);
  }

  private *select(of: readonly Wait[], place: Place): Co<void> {
    const chosen = of.flatMap((wait) => {
      const operation = this.operation(wait, place);
      return operation === null ? [] : [{ wait, operation }];
    });
    if (chosen.length === 0) return;
    let key: number;
    let value: unknown;
    try {
      ({ key, value } = yield* select(chosen.map(({ operation }) => operation)) as Op<{ key: number; value: unknown }>);
    } catch (error) {
      this.witness.threw(runningTask(), error);
      for (const { operation } of chosen) transferOf(operation)?.failed(error, false);
      if (error instanceof CancelError) throw error;
      return;
    }
    const { wait, operation } = chosen[key] as (typeof chosen)[number];
    for (const other of chosen) if (other.operation !== operation) transferOf(other.operation)?.undone();
    this.got(wait, value, operation);
  }

  /** Gives back what a stream lends, while it is lent. */
  private *echo(number: number): Co<void> {
    const end = this.stage.stream(number);
    if (end === undefined || end.stream.closed) return;
    const view = yield* this.transfer(new Reading(end, 'view', 1));
    if (view instanceof Uint8Array && !end.stream.closed) yield* this.transfer(new Writing(end, view));
  }

  private *transfer(transfer: Reading | Writing): Co<unknown> {
    const operation = watchTransfer(this.witness, transfer);
    let value: unknown;
    try {
      value = yield* operation;
    } catch (error) {
      this.witness.threw(runningTask(), error);
      transfer.failed(error, true);
      if (error instanceof CancelError) throw error;
      return;
    }
    transfer.got(value);
    return value;
  }

  /** What came of a wait. */
  private got(wait: Wait, value: unknown, operation: Op<unknown>): void {
    transferOf(operation)?.got(value);
    if (wait.do === 'take') this.witness.ledger.took(value as number, runningTask());
    else if (wait.do === 'read') this.stage.receive(wait.end);
    else if (wait.do === 'write') this.stage.send(wait.end, 1);
  }

  private operation(wait: Wait, place: Place): Op<unknown> | null {
    return operationOf(wait, { stage: this.stage, tasks: this.tasks, witness: this.witness, ...place });
  }

  private wake(number: number, count: number): void {
    const event = this.stage.events[number];
    if (event === undefined) return;
    const before = this.witness.waitingFor(event);
    const all = count === Number.MAX_SAFE_INTEGER;
    const taken = all ? event.waiters.wakeAll(undefined) : event.waiters.wake(undefined, count);
    if (taken === Math.min(count, before)) return;
    this.witness.violate('no wake lost', `${event} woke ${taken} of ${before}, and ${count} were to be woken`);
  }

  private move(from: number, to: number): void {
    const { events } = this.stage;
    const [source, target] = [events[from], events[to]];
    if (source === undefined || target === undefined || source === target) return;
    source.waiters.moveTo(target.waiters);
    this.witness.moved(source, target);
  }

  private cancel(scope: CancelScope | undefined, after?: number): void {
    if (scope === undefined || ('ended' in scope && scope.ended === true)) return;
    if (after === undefined) scope.cancel('the program says so');
    else scope.cancel('the program says so', { cleanup: after });
    this.witness.asked(scope);
  }

  private expire(number: number, ms: number): void {
    const scope = this.scopes.get(number);
    if (scope === undefined || scope.cancelCalled) return;
    scope.expireAfter(ms);
    this.witness.ledger.deadline(scope, ms);
  }

  private *block(each: Extract<Statement, { do: 'block' }>, place: Place): Co<void> {
    const { kind, scope: number, ms, body } = each;
    const self = this;
    let ends = Number.POSITIVE_INFINITY;
    const inside = function* (scope: CancelScope): Co<void> {
      self.scopes.set(number, scope);
      if (kind !== 'cancelScope') self.witness.ledger.deadline(scope, ms);
      try {
        yield* self.run(body, place);
      } finally {
        ends = self.witness.ledger.deadlineOf(scope);
        self.leave(number, scope);
      }
    };
    try {
      if (kind === 'cancelScope') yield cancelScope(inside);
      else if (kind === 'failAfter') yield failAfter(ms, inside);
      else if (kind === 'moveOnAfter') yield moveOnAfter(ms, inside);
      else yield cleanup(ms, inside);
    } catch (error) {
      if (error instanceof TimeoutError && !this.timeouts.has(error)) {
        this.timeouts.add(error);
        const { now } = this.witness;
        if (now < ends) this.witness.violate('never early', `a deadline of ${ends} ms came out at ${now} ms`);
      }
      // Half of them go on as if nothing had happened.
      if (!(error instanceof TimeoutError) || number % 2 === 0) throw error;
    }
  }

  private *group({ scope: number, isolate, keep, body }: Extract<Statement, { do: 'group' }>): Co<void> {
    const { ledger } = this.witness;
    const record = ledger.group(runningTask(), isolate, keep);
    const self = this;
    let scope: Group | null = null;
    const inside = function* (g: Group): Co<void> {
      scope = g;
      self.scopes.set(number, g);
      self.groups.set(number, { group: g, record });
      try {
        yield* self.run(body, { group: g, record });
      } catch (error) {
        if (!(error instanceof CancelError)) record.failures.push(error);
        throw error;
      }
    };
    try {
      yield group(inside, { onError: isolate ? () => {} : 'cancel', keep });
    } catch (error) {
      ledger.left(record, [error]);
      throw error;
    } finally {
      const left = scope as Group | null;
      if (left !== null) this.leave(number, left);
      if (!record.over) ledger.left(record, []);
      if (keep && left !== null) ledger.results(record, () => left.results, this.numbers);
    }
  }

  /** Runs each statement in a task, and compares what comes out with what their own code says. */
  private *together(how: Together, body: readonly Statement[], place: Place): Co<void> {
    if (body.length === 0) return;
    const { ledger } = this.witness;
    const record = ledger.group(runningTask(), true);
    const lives = body.map(() => ledger.life(record));
    record.lives.push(...lives);
    const tasks = body.map((each, index) => this.one(lives[index] as Life, index, each, place));
    const came: unknown[] = [];
    try {
      if (how === 'all') came.push(yield* all(tasks));
      else if (how === 'allSettled') came.push((yield* allSettled(tasks)).map(({ status }) => status === 'fulfilled'));
      else if (how === 'race') came.push(yield* race(tasks));
      else came.push(yield* firstSuccess(tasks));
    } catch (error) {
      // A cancel must go on. What failed has been told by then; half of the programs mind.
      if (error instanceof CancelError || body.length % 2 === 0) throw error;
    } finally {
      ledger.ranTogether(record);
    }
    if (came.length > 0) ledger.gave(how, lives, came[0]);
  }

  private *one(life: Life, index: number, each: Statement, place: Place): Co<number> {
    life.began = true;
    this.witness.ledger.born(life, runningTask());
    try {
      yield* this.run([each], place);
      life.completed = true;
      return index;
    } catch (error) {
      life.thrown.push(error);
      throw error;
    }
  }

  private leave(number: number, scope: CancelScope): void {
    this.witness.ledger.leftScope(scope);
    if (this.scopes.get(number) === scope) this.scopes.delete(number);
  }

  private failure(): Planned {
    return new Planned(`planned failure ${++this.planned}`);
  }
}
