/** What a program says on standard error. */

/** The arguments of each `console.error` during a call. */
export async function spoken(body: () => void | Promise<void>): Promise<unknown[][]> {
  const told: unknown[][] = [];
  const { error } = console;
  console.error = (...given: unknown[]): void => {
    told.push(given);
  };
  try {
    await body();
  } finally {
    console.error = error;
  }
  return told;
}
