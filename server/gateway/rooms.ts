/** Who gets what is sent to a room. Empty rooms are not kept. */
export class Rooms<Member> {
  readonly #rooms = new Map<string, Set<Member>>();
  readonly #of = new Map<Member, Set<string>>();

  /** Those in it now. */
  in(room: string): ReadonlySet<Member> {
    return this.#rooms.get(room) ?? new Set();
  }

  join(room: string, member: Member): void {
    setOf(this.#rooms, room).add(member);
    setOf(this.#of, member).add(room);
  }

  leave(room: string, member: Member): void {
    remove(this.#rooms, room, member);
    remove(this.#of, member, room);
  }

  leaveAll(member: Member): void {
    for (const room of this.#of.get(member) ?? []) remove(this.#rooms, room, member);
    this.#of.delete(member);
  }
}

function setOf<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  let set = sets.get(key);
  if (set === undefined) sets.set(key, (set = new Set()));
  return set;
}

function remove<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
