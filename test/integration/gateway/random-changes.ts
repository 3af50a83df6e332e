import { applyAttemptChanges, type AttemptChange } from '@dialstream/shared/db/attempt-changes.js';
import { changeCampaignStatus, emitCounts } from '@dialstream/shared/db/campaign-changes.js';
import {
  deleteCampaign,
  insertCampaign,
  newCampaignId,
  updateCampaignSettings,
} from '@dialstream/shared/db/campaigns.js';
import { lockDueCalls, startAttempts, type StartedAttempt } from '@dialstream/shared/db/claim.js';
import { registerDialer } from '@dialstream/shared/db/dialers.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import { campaignSettings } from '@dialstream/shared/domain/campaign.js';
import { causeOf } from '@dialstream/shared/domain/cause.js';
import type { CampaignSignal } from '@dialstream/shared/domain/status.js';
import type { Outbox } from '@dialstream/shared/events/outbox.js';
import { v7 as uuidv7 } from 'uuid';
import { addTrunk } from '../../support/records.js';
import { pick } from '../../support/seeded-random.js';

const signals: readonly CampaignSignal[] = ['schedule', 'start', 'pause', 'resume', 'resume'];
const sipCodes = [486, 480, 404, 603, 503] as const;

/** Changes an account at random, with the queries that server and dialer use. */
export class RandomChanges {
  readonly campaignIds: string[] = [];
  #attempts: Pick<StartedAttempt, 'id' | 'campaignId'>[] = [];
  #dialerId = uuidv7();
  #trunkId = '';
  #phones = 12_025_550_000;
  /** The first so many campaigns are never deleted: they are the ones that are looked at. */
  #kept = 1;

  constructor(
    private readonly db: Pool,
    private readonly outbox: Outbox,
    private readonly accountId: string,
    private readonly random: () => number,
  ) {}

  async begin(campaigns: number, kept = 1): Promise<void> {
    this.#kept = kept;
    this.#trunkId = await addTrunk(this.db, this.accountId, {});
    await registerDialer(this.db, this.#dialerId, 'test', 1);
    for (let i = 0; i < campaigns; i += 1) {
      const id = await this.#create();
      await this.#addCalls(id);
      await this.#signal(id, 'schedule');
      await this.#signal(id, 'start');
    }
  }

  /** Goes on with what another one has begun, which may be gone or at it still. */
  async join(kept: number): Promise<void> {
    this.#kept = kept;
    const [ids, attempts, dialers, trunks] = await Promise.all([
      this.db.query<{ id: string }>('select id from campaigns where deleted_at is null order by id'),
      this.db.query<{ id: string; campaignId: string }>(
        'select id, campaign_id as "campaignId" from attempts where ended_at is null order by id',
      ),
      this.db.query<{ id: string }>('select id from dialers'),
      this.db.query<{ id: string }>('select id from trunks'),
    ]);
    this.campaignIds.push(...ids.rows.map(({ id }) => id));
    this.#attempts = attempts.rows;
    this.#dialerId = dialers.rows[0]?.id ?? '';
    this.#trunkId = trunks.rows[0]?.id ?? '';
    this.#phones = 12_000_000_000 + Math.floor(this.random() * 7e9);
  }

  /** One change, in one transaction. */
  async step(): Promise<void> {
    const dice = this.random();
    // Half of it happens where somebody looks.
    const near = this.random() < 0.5 ? this.campaignIds.slice(0, this.#kept) : this.campaignIds;
    const id = pick(near, this.random);
    if (dice < 0.35) return this.#claim(id);
    if (dice < 0.75) return this.#moveAttempts();
    if (dice < 0.85) return this.#addCalls(id);
    if (dice < 0.93) return this.#signal(id, pick(signals, this.random));
    if (dice < 0.96) return this.#rename(id);
    if (dice < 0.98) return void (await this.#create());
    return this.#remove();
  }

  /** Begins an attempt at a new call of a campaign. */
  async attempt(campaignId: string): Promise<void> {
    await this.#addCalls(campaignId);
    await this.#claim(campaignId);
  }

  async #create(): Promise<string> {
    const id = newCampaignId();
    const retry = { maxAttempts: 3, afterSeconds: 1 };
    const settings = campaignSettings.parse({
      name: `Campaign ${this.campaignIds.length}`,
      keepOpen: true,
      retry,
    });
    const { accountId } = this;
    await this.db.query('insert into event_heads (scope) values ($1)', [id]);
    await this.outbox.change([id], (tx, emit) =>
      insertCampaign(tx, emit, { id, accountId, actor: 'test', settings }),
    );
    this.campaignIds.push(id);
    return id;
  }

  async #addCalls(campaignId: string): Promise<void> {
    const phones = Array.from({ length: 8 }, () => `+${(this.#phones += 1)}`);
    await this.outbox.change([campaignId], async (tx, emit) => {
      await tx.query(
        `insert into calls (id, campaign_id, account_id, phone, e164, status, next_attempt_at)
          select gen_random_uuid(), $1, $2, p, p, 'planned', now() from unnest($3::text[]) p
          on conflict (campaign_id, e164) do nothing`,
        [campaignId, this.accountId, phones],
      );
      await emitCounts(tx, emit, campaignId);
    });
  }

  async #claim(campaignId: string): Promise<void> {
    const { accountId } = this;
    const started = await this.outbox.change([campaignId], async (tx, emit) => {
      const due = await lockDueCalls(tx, campaignId, 1 + Math.floor(this.random() * 4));
      if (due.length === 0) return [];
      const attempts = due.map((call) => ({
        id: uuidv7(),
        callId: call.id,
        trunkId: this.#trunkId,
        callerId: null,
        sipCallId: uuidv7(),
        sipFromTag: 'tag',
      }));
      const owner = { dialerId: this.#dialerId, campaignId, accountId, reservedSeconds: 0 };
      const made = await startAttempts(tx, emit, owner, attempts);
      await emitCounts(tx, emit, campaignId);
      return made;
    });
    this.#attempts.push(...started);
  }

  /** Rings, answers or ends some attempts of a campaign; what their states do not allow changes nothing. */
  async #moveAttempts(): Promise<void> {
    const some = this.#attempts[Math.floor(this.random() * this.#attempts.length)];
    if (some === undefined) return;
    const { campaignId } = some;
    const moved = this.#attempts
      .filter((attempt) => attempt.campaignId === campaignId && this.random() < 0.5)
      .slice(0, 4);
    const changes = moved.map(({ id }) => this.#change(id, campaignId));
    await this.outbox.change([campaignId], (tx, emit) =>
      applyAttemptChanges(tx, emit, this.#dialerId, changes),
    );
    const ended = new Set(changes.filter(({ kind }) => kind === 'ended').map(({ attemptId }) => attemptId));
    this.#attempts = this.#attempts.filter(({ id }) => !ended.has(id));
  }

  #change(attemptId: string, campaignId: string): AttemptChange {
    const at = new Date();
    const kind = pick(['ringing', 'answered', 'ended'] as const, this.random);
    if (kind === 'ringing') return { attemptId, campaignId, at, kind, txnId: null };
    if (kind === 'answered') return { attemptId, campaignId, at, kind, txnId: null, sipDialog: {} };
    const code = pick(sipCodes, this.random);
    const cause = causeOf({ code, rang: true, canceledFor: null });
    return { attemptId, campaignId, at, kind, cause, sip: { code, phrase: 'Test', q850: null } };
  }

  async #signal(campaignId: string, signal: CampaignSignal): Promise<void> {
    await this.outbox.change([campaignId], (tx, emit) =>
      changeCampaignStatus(tx, emit, {
        campaignId,
        signal,
        reason: { code: 'manual', message: 'by the test', actor: 'test' },
      }),
    );
  }

  async #rename(id: string): Promise<void> {
    const settings = campaignSettings.parse({ name: `Renamed ${this.random()}`, keepOpen: true });
    const { accountId } = this;
    await this.outbox.change([id], (tx, emit) =>
      updateCampaignSettings(tx, emit, { id, accountId, settings }),
    );
  }

  async #remove(): Promise<void> {
    const id = pick(this.campaignIds, this.random);
    if (this.campaignIds.indexOf(id) < this.#kept) return;
    await this.#signal(id, 'finish');
    await this.outbox.change([id], (tx, emit) => deleteCampaign(tx, emit, this.accountId, id));
    this.campaignIds.splice(this.campaignIds.indexOf(id), 1);
  }
}
