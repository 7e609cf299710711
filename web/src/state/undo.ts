/** Selections one can go back to and forth again. */

export type Chosen = Readonly<Record<string, string>>;

export interface Past {
  states: readonly Chosen[];
  /** Which of them counts. */
  at: number;
}

export const same = (one: Chosen, other: Chosen): boolean => {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => one[key] === other[key]);
};

/** Of a server's history, oldest first; before it nothing was chosen. */
export function pastOf(history: readonly Chosen[]): Past {
  const states: Chosen[] = [{}];
  for (const state of history) if (!same(state, states[states.length - 1]!)) states.push(state);
  return { states, at: states.length - 1 };
}

/** With a new state, which ends what could be done again; the present one changes nothing. */
export function added(past: Past, state: Chosen): Past {
  if (same(state, past.states[past.at]!)) return past;
  const states = [...past.states.slice(0, past.at + 1), state];
  return { states, at: states.length - 1 };
}

/** What to choose, or let go, to come from one state to another. */
export function difference(from: Chosen, to: Chosen): Record<string, string | null> {
  const tracks = new Set([...Object.keys(from), ...Object.keys(to)]);
  const changed = [...tracks].filter((track) => from[track] !== to[track]);
  return Object.fromEntries(changed.map((track) => [track, to[track] ?? null]));
}
