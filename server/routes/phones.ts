import { setImmediate as turn } from 'node:timers/promises';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';

/** Numbers read before other requests get their turn: about two milliseconds' worth. */
const phonesPerTurn = 100;

/**
 * A phone as E.164, or null when it is none. Of a possible length for its country is enough: whether it
 * exists, the carrier knows better. `country` is that of numbers without a country code.
 */
export function readPhone(text: string, country: string): string | null {
  const phone = parsePhoneNumberFromString(text, isSupportedCountry(country) ? country : undefined);
  return phone?.isPossible() ? phone.number : null;
}

/** The same for many, without keeping the process from its other work. */
export async function readPhones(texts: readonly string[], country: string): Promise<(string | null)[]> {
  const phones: (string | null)[] = [];
  for (const text of texts) {
    if (phones.length % phonesPerTurn === phonesPerTurn - 1) await turn();
    phones.push(readPhone(text, country));
  }
  return phones;
}
