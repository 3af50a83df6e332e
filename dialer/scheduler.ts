import { changeCampaignStatus } from '@dialstream/shared/db/campaign-changes.js';
import { runningCampaigns, type RunningCampaign } from '@dialstream/shared/db/claim.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Outbox } from '@dialstream/shared/events/outbox.js';
import type { Log } from '@dialstream/shared/log.js';
import type { AttemptRunner } from './attempt-runner.js';
import { claimCalls, newAttemptIds, reservedPerAttempt } from './claimer.js';
import type { Limit, Limits } from './limits.js';
import { trunksInUse, type StoredTrunk } from '@dialstream/shared/db/trunks.js';
import { orderTrunks } from './trunks.js';

export interface Scheduler {
  /** One round: starts what is due and allowed. Gives how many attempts it started. */
  tick(): Promise<number>;
  start(): void;
  /** Claims nothing from now on; resolves when the round under way is over. */
  stop(): Promise<void>;
}

export interface SchedulerOptions {
  pool: Pool;
  outbox: Outbox;
  limits: Limits;
  runner: AttemptRunner;
  dialerId: string;
  log: Log;
  /** Whether INVITEs may leave: the lease holds and drachtio is there. */
  mayDial: () => boolean;
}

const busyTickMs = 50;
const idleTickMs = 200;
/** Calls claimed in one transaction, at most. */
const claimLimit = 200;
const trunksMaxAgeMs = 500;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { pool, outbox, limits, runner, dialerId, log, mayDial } = options;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let stopped = false;
  let trunks: StoredTrunk[] = [];
  let trunksReadAt = -Infinity;

  async function tick(): Promise<number> {
    const campaigns = await runningCampaigns(pool, claimLimit);
    // A campaign that is paused or finished keeps its conversations; what rings is cancelled.
    const inProgress = new Set(campaigns.map(({ id }) => id));
    for (const id of runner.campaigns()) if (!inProgress.has(id)) runner.cancelUnanswered(id);
    if (campaigns.length === 0 || !mayDial()) return 0;
    if (performance.now() - trunksReadAt > trunksMaxAgeMs) await readTrunks();
    let started = 0;
    for (const campaign of campaigns) {
      if (stopped) break;
      started += await startDue(campaign).catch((error: unknown) => {
        // One campaign that cannot go on must not hold up the others.
        log.warn({ err: error, campaignId: campaign.id }, 'no calls could be started for now');
        return 0;
      });
    }
    return started;
  }

  async function startDue(campaign: RunningCampaign): Promise<number> {
    if (campaign.outOfMinutes) {
      await pause(campaign, 'out_of_minutes', 'The account has no minutes left.');
      return 0;
    }
    if (campaign.due === 0) return 0;
    const { accountId, settings } = campaign;
    const choice = { accountId, trunkIds: settings.trunkIds };
    let usable = orderTrunks(trunks, choice);
    if (usable.length === 0) {
      // The campaign may be younger than what was read.
      await readTrunks();
      usable = orderTrunks(trunks, choice);
    }
    if (usable.length === 0) {
      await pause(campaign, 'system_failure', noTrunkMessage(campaign, trunks));
      return 0;
    }
    let wanted = Math.min(campaign.due, roomFor(campaign));
    let started = 0;
    for (const trunk of usable) {
      if (wanted <= 0 || stopped) break;
      const count = await startOn(campaign, trunk, wanted);
      started += count;
      wanted -= count;
    }
    return started;
  }

  async function readTrunks(): Promise<void> {
    trunks = await trunksInUse(pool);
    trunksReadAt = performance.now();
  }

  async function startOn(campaign: RunningCampaign, trunk: StoredTrunk, wanted: number): Promise<number> {
    const claims = limitsOf(campaign, trunk);
    const grants = await limits.acquire(claims, newAttemptIds(wanted));
    if (grants.length === 0) return 0;
    const attemptIds = grants.map((grant) => grant.attemptId);
    const started = await claimCalls({ outbox, dialerId, campaign, trunk, attemptIds });
    const startInMs = new Map(grants.map((grant) => [grant.attemptId, grant.startInMs]));
    for (const attempt of started) {
      runner.run({ attempt, trunk, settings: campaign.settings, startInMs: startInMs.get(attempt.id) ?? 0 });
    }
    const used = new Set(started.map(({ id }) => id));
    const unused = attemptIds.filter((id) => !used.has(id));
    await limits.release(
      claims.map(({ key }) => key),
      unused,
    );
    return started.length;
  }

  async function pause(
    campaign: RunningCampaign,
    code: 'out_of_minutes' | 'system_failure',
    message: string,
  ): Promise<void> {
    await outbox.change([campaign.id], (tx, emit) =>
      changeCampaignStatus(tx, emit, {
        campaignId: campaign.id,
        signal: 'pause',
        reason: { code, message, actor: 'system' },
      }),
    );
    log.warn({ campaignId: campaign.id, reason: code }, 'campaign paused');
  }

  function schedule(ms: number): void {
    if (stopped) return;
    timer = setTimeout(() => {
      running = tick()
        .catch((error: unknown) => {
          log.warn({ err: error }, 'the round of claims failed');
          return 0;
        })
        .then((started) => schedule(started > 0 ? busyTickMs : idleTickMs));
    }, ms);
  }

  return {
    tick,
    start: () => schedule(0),
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** How many attempts it makes sense to ask for at once. */
function roomFor({ settings, secondsLeft }: RunningCampaign): number {
  const byMinutes = secondsLeft === null ? claimLimit : Math.ceil(secondsLeft / reservedPerAttempt);
  const byPace = Math.ceil(settings.pacing.callsPerSecond / 5) + 1;
  return Math.min(claimLimit, settings.pacing.maxConcurrent, byMinutes, byPace);
}

function limitsOf(campaign: RunningCampaign, trunk: StoredTrunk): Limit[] {
  const { pacing } = campaign.settings;
  return [
    { key: `account:${campaign.accountId}`, maxConcurrent: campaign.accountMaxConcurrent, perSecond: null },
    { key: `campaign:${campaign.id}`, maxConcurrent: pacing.maxConcurrent, perSecond: pacing.callsPerSecond },
    { key: `trunk:${trunk.id}`, maxConcurrent: trunk.maxConcurrent, perSecond: trunk.callsPerSecond },
  ];
}

function noTrunkMessage({ accountId, settings }: RunningCampaign, trunks: readonly StoredTrunk[]): string {
  const own = trunks.filter(
    (trunk) =>
      trunk.accountId === accountId &&
      (settings.trunkIds.length === 0 || settings.trunkIds.includes(trunk.id)),
  );
  if (own.length === 0) return 'The campaign has no trunk.';
  return `Every trunk is down: ${own.map(({ name }) => name).join(', ')}.`;
}
