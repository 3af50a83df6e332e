const name = 'dialstream-key';

/**
 * The API key of this tab. One that came in the address (`#key=…`) is kept, and taken out of the address so
 * that it is neither shown nor shared.
 */
export function keptKey(): string | null {
  const inAddress = new URLSearchParams(location.hash.slice(1)).get('key');
  if (inAddress) {
    keepKey(inAddress);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(name);
}

export function keepKey(key: string): void {
  sessionStorage.setItem(name, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(name);
}
