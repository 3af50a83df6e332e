/** Runs `work` for a key, unless it runs already: then its result under way is shared. Nothing is kept after. */
export type ShareInFlight<T> = (key: string, work: () => Promise<T>) => Promise<T>;

export function shareInFlight<T>(): ShareInFlight<T> {
  const underWay = new Map<string, Promise<T>>();
  return (key, work) => {
    let result = underWay.get(key);
    if (result === undefined) {
      result = work().finally(() => underWay.delete(key));
      underWay.set(key, result);
    }
    return result;
  };
}
