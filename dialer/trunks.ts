import type { StoredTrunk } from '@dialstream/shared/db/trunks.js';

/**
 * The trunks an account's campaign may use now, in the order in which to try them: by priority, and within
 * one priority at random by weight. No trunk ids mean all trunks of the account.
 */
export function orderTrunks(
  trunks: readonly StoredTrunk[],
  { accountId, trunkIds }: { accountId: string; trunkIds: readonly string[] },
  random: () => number = Math.random,
): StoredTrunk[] {
  return (
    trunks
      .filter((trunk) => trunk.accountId === accountId && trunk.status === 'up')
      .filter((trunk) => trunkIds.length === 0 || trunkIds.includes(trunk.id))
      // Exponential order statistics: the chance to come first is proportional to the weight.
      .map((trunk) => ({ trunk, key: -Math.log(1 - random()) / trunk.weight }))
      .toSorted((a, b) => a.trunk.priority - b.trunk.priority || a.key - b.key)
      .map(({ trunk }) => trunk)
  );
}
