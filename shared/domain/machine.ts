/**
 * A state machine is a table: state → signal → next state. An absent pair is illegal.
 * The same table gives the guard of the SQL update, the diagram in ARCHITECTURE.md and the test matrix.
 */
export type Machine<State extends string, Signal extends string> = {
  readonly [state in State]: { readonly [signal in Signal]?: State };
};

/** The state that `signal` leads to from `state`, or null when that change is illegal. */
export function next<State extends string, Signal extends string>(
  machine: Machine<State, Signal>,
  state: State,
  signal: Signal,
): State | null {
  return machine[state][signal] ?? null;
}

/** The states from which `signal` is legal: the `where status = any (…)` of a guarded update. */
export function statesThatAccept<State extends string, Signal extends string>(
  machine: Machine<State, Signal>,
  signal: Signal,
): State[] {
  return (Object.keys(machine) as State[]).filter((state) => machine[state][signal] !== undefined);
}

/** The states that no signal leaves. */
export function finalStates<State extends string, Signal extends string>(
  machine: Machine<State, Signal>,
): State[] {
  return (Object.keys(machine) as State[]).filter((state) => Object.keys(machine[state]).length === 0);
}
