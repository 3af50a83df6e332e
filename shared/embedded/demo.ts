import { z } from 'zod';
import type { Log } from '../log.js';

export interface DemoOptions {
  /** Of the server, without a slash at the end. */
  baseUrl: string;
  adminKey: string;
  /** Where the simulated carrier listens. */
  trunkHost: string;
  trunkPort: number;
  log: Log;
}

const trunkName = 'Demo trunk';
const callerId = '+12025550100';

const campaign = {
  name: 'Demo campaign',
  callerIds: [callerId],
  // So quick that the whole campaign is over within three minutes.
  retry: {
    maxAttempts: 2,
    afterSeconds: 10,
    rules: {
      busy: { afterSeconds: 5 },
      congestion: { afterSeconds: 5 },
      // No reply at all takes 32 s each time to be known as such.
      trunk_fault: { afterSeconds: 5, maxAttempts: 2 },
    },
  },
  pacing: { maxConcurrent: 40, callsPerSecond: 8 },
  ringTimeoutSeconds: 15,
};

/**
 * Two numbers for each pair of last digits, by which the simulated carrier chooses its answer; all of them
 * are reserved for fiction.
 */
const phones = ['+1202555', '+1415555'].flatMap((start) =>
  Array.from({ length: 100 }, (_, ending) => `${start}01${String(ending).padStart(2, '0')}`),
);

/**
 * Fills an account that has no campaign yet with a trunk to the simulated carrier and a campaign that runs
 * at once. Later starts only keep that trunk pointed to where the carrier listens now.
 */
export async function loadDemo({ baseUrl, adminKey, trunkHost, trunkPort, log }: DemoOptions): Promise<void> {
  const api = createApi(baseUrl, adminKey);
  // Numbers ending in 96 ask for these.
  const trunk = { name: trunkName, host: trunkHost, port: trunkPort, username: 'demo', password: 'demo' };
  const trunks = await api('GET', '/v1/trunks?limit=500', trunkList);
  const demoTrunk = trunks.items.find(({ name }) => name === trunkName);
  if (demoTrunk && (demoTrunk.host !== trunkHost || demoTrunk.port !== trunkPort)) {
    await api('PATCH', `/v1/trunks/${demoTrunk.id}`, withId, { host: trunkHost, port: trunkPort });
  }
  const campaigns = await api('GET', '/v1/campaigns?limit=1', listOf(withId));
  if (campaigns.items.length > 0) return;

  const { id: trunkId } =
    demoTrunk ??
    (await api('POST', '/v1/trunks', withId, {
      ...trunk,
      callerIds: [callerId],
      maxConcurrent: 50,
      callsPerSecond: 10,
    }));
  const { id } = await api('POST', '/v1/campaigns', withId, { ...campaign, trunkIds: [trunkId] });
  const calls = phones.map((phone) => ({ phone }));
  await api('POST', `/v1/campaigns/${id}/calls`, z.unknown(), { calls });
  await api('POST', `/v1/campaigns/${id}/schedule`, withId, {});
  log.info({ campaignId: id, calls: calls.length }, 'loaded the demo campaign');
}

const withId = z.object({ id: z.string() });
const listOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });
const trunkList = listOf(withId.extend({ name: z.string(), host: z.string(), port: z.int() }));

type Method = 'GET' | 'POST' | 'PATCH';
type Api = <T>(method: Method, path: string, answer: z.ZodType<T>, body?: unknown) => Promise<T>;

function createApi(baseUrl: string, adminKey: string): Api {
  return async (method, path, answer, body) => {
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(15_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`Demo: ${method} ${path} was answered with ${response.status}: ${text}`);
    return answer.parse(JSON.parse(text));
  };
}
