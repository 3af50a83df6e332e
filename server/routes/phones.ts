import { setImmediate as turn } from 'node:timers/promises';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';

/** Numbers read before other requests get their turn: about two milliseconds' worth. */
const phonesPerTurn = 100;

/** Spaces and invisible marks that come along when a number is copied from elsewhere. */
const surroundings = /^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu;

/**
 * A phone as E.164, or null when it is none. Of a possible length for its country is enough: whether it
 * exists, the carrier knows better. `country` is that of numbers without a country code. A number within
 * other text is none: it may be somebody else's.
 */
export function readPhone(text: string, country: string): string | null {
  const phone = parsePhoneNumberFromString(text.replaceAll(surroundings, ''), {
    extract: false,
    ...(isSupportedCountry(country) && { defaultCountry: country }),
  });
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
