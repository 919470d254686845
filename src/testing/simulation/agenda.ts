/** What is going to happen in the simulated world, in the order of its time; at the same time, in the order in which it was planned. */

/** Something that is planned. */
export interface Plan {
  /** When, in milliseconds. */
  readonly due: number;
  /** What. */
  readonly action: () => void;
}

/** The plans, the next one last: it is the one that is taken away. */
export class Agenda {
  private readonly plans: Plan[] = [];

  /** The time of the next plan; `Infinity` if there is none. */
  get next(): number {
    return this.plans.at(-1)?.due ?? Number.POSITIVE_INFINITY;
  }

  /** Plans an action. What {@link Agenda.drop} takes. */
  plan(due: number, action: () => void): Plan {
    const plan = { due, action };
    let low = 0;
    let high = this.plans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // Behind those of the same time that are there already: they come first.
      if ((this.plans[middle] as Plan).due > due) low = middle + 1;
      else high = middle;
    }
    this.plans.splice(low, 0, plan);
    return plan;
  }

  /** Takes a plan back; one that has happened is nobody's any more. */
  drop(plan: Plan): void {
    const place = this.plans.indexOf(plan);
    if (place >= 0) this.plans.splice(place, 1);
  }

  /** Carries out what is due by this time; also what that plans for the same time. */
  run(now: number): void {
    while (this.next <= now) (this.plans.pop() as Plan).action();
  }
}
