/** `work` whose result under way is shared by all who ask for the same key meanwhile. Nothing is kept after. */
export function shareInFlight<K, T>(work: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const underWay = new Map<K, Promise<T>>();
  return (key) => {
    let result = underWay.get(key);
    if (result === undefined) {
      result = work(key).finally(() => underWay.delete(key));
      underWay.set(key, result);
    }
    return result;
  };
}
