import { z } from 'zod';
import {
  account,
  apiKey,
  createAccount,
  createdAccount,
  createdKey,
  createKey,
  patchAccount,
  roles,
} from '../api/accounts.js';
import {
  addedCalls,
  attempt,
  call,
  callsToCancel,
  callWithAttempts,
  cancelledCalls,
  newCall,
} from '../api/calls.js';
import { campaign, scheduleCampaign, sentSettings } from '../api/campaigns.js';
import { createStreamToken, streamToken } from '../api/stream-tokens.js';
import { suppress, suppression } from '../api/suppressions.js';
import { trunk, trunkSettings } from '../api/trunks.js';
import { callingWindow, counts, weekdays } from '../domain/campaign.js';
import {
  attemptStates,
  callStatuses,
  campaignStatuses,
  dispositions,
  reasonCodes,
} from '../domain/status.js';
import { cursor, eventData, liveEvent, sipEnd, statusReason } from '../events/contract.js';
import { head, refusalCodes, resyncCodes, subscriptionModes } from '../events/protocol.js';
import { campaignSnapshot, campaignsSnapshot, systemSnapshot } from '../events/snapshots.js';
import { typeText, type JsonSchema } from './type-text.js';

type Named = Record<string, { schema: z.ZodType; doc: string }>;

const enums: Record<string, { values: readonly string[]; doc: string }> = {
  CampaignStatus: { values: campaignStatuses, doc: 'Where a campaign is in its life.' },
  CallStatus: { values: callStatuses, doc: 'Where a call is in its life.' },
  AttemptState: { values: attemptStates, doc: 'Where one try at a call is.' },
  Disposition: { values: dispositions, doc: 'How an attempt ended.' },
  ReasonCode: { values: reasonCodes, doc: 'Why a campaign is in its status.' },
  Weekday: { values: weekdays, doc: 'A day of the week.' },
  Role: { values: roles, doc: 'What an API key may do.' },
  RefusalCode: { values: refusalCodes, doc: 'Why a subscription was refused.' },
  ResyncCode: { values: resyncCodes, doc: 'Why the server ended a subscription.' },
  SubscriptionMode: {
    values: subscriptionModes,
    doc: 'Every event, or the newest counts twice a second without the events of calls.',
  },
};

/** What the server gives. */
const received: Named = {
  StatusReason: { schema: statusReason, doc: 'Why a campaign is in its status, since when, and who did it.' },
  SipEnd: { schema: sipEnd, doc: 'How an attempt ended in SIP; `q850` is the cause of ITU-T Q.850.' },
  Counts: { schema: counts, doc: 'Calls by status; `total` is their sum.' },
  CallingWindow: {
    schema: callingWindow,
    doc: 'When customers may be called: from `from` until before `to`, both `HH:MM` of a wall clock.',
  },
  Campaign: { schema: campaign, doc: 'A campaign with its settings and counts.' },
  Call: { schema: call, doc: 'A call: one number of one campaign.' },
  Attempt: { schema: attempt, doc: 'One try at a call.' },
  CallWithAttempts: { schema: callWithAttempts, doc: 'A call with all its attempts, in `attemptList`.' },
  AddedCalls: { schema: addedCalls, doc: 'What became of added calls; `ids` are in the order sent.' },
  CancelledCalls: { schema: cancelledCalls, doc: 'How many calls were given up.' },
  Trunk: { schema: trunk, doc: 'A SIP trunk; its password is never given back.' },
  Suppression: { schema: suppression, doc: 'A number that is never called.' },
  Account: { schema: account, doc: 'An account with its limits; null is none.' },
  CreatedAccount: { schema: createdAccount, doc: 'A new account and the key of its admin, shown this once.' },
  ApiKey: { schema: apiKey, doc: 'An API key, without its secret.' },
  CreatedKey: { schema: createdKey, doc: 'A new API key with its secret `key`, shown this once.' },
  StreamToken: {
    schema: streamToken,
    doc: 'A token that streams accept until `expiresAt`, and nothing else does.',
  },
  Cursor: {
    schema: cursor,
    doc: 'A place in a topic: `seq` counts up, a new `epoch` means that the log was lost.',
  },
  Head: { schema: head, doc: 'How far the server is with a subscription.' },
  CampaignsSnapshot: { schema: campaignsSnapshot, doc: 'State of `campaigns`: the newest 1,000.' },
  CampaignSnapshot: {
    schema: campaignSnapshot,
    doc: 'State of `campaign:<id>`: the calls are those with an attempt under way, 10,000 at most.',
  },
  SystemSnapshot: {
    schema: systemSnapshot,
    doc: 'State of `system`: the trunks of the account, the dialers, and the account itself.',
  },
  EventDataByType: { schema: z.object(eventData), doc: 'What events tell, by their type.' },
  LiveEvent: {
    schema: liveEvent,
    doc: 'One event: CloudEvents 1.0 with its place in a topic. `previousSeq` comes in `latest` mode only.',
  },
};

/** What the server takes. */
const sent: Named = {
  CallingWindow: { schema: callingWindow, doc: '' },
  NewCampaign: { schema: sentSettings, doc: 'Settings of a new campaign: all but `name` have defaults.' },
  ScheduleCampaign: { schema: scheduleCampaign, doc: 'When a campaign starts; left out: now.' },
  NewCall: {
    schema: newCall,
    doc: 'One call to add. Its phone need not be E.164: the account has a country.',
  },
  CallsToCancel: { schema: callsToCancel, doc: 'Calls to give up, by id or by phone.' },
  NewTrunk: {
    schema: trunkSettings,
    doc: 'Settings of a new trunk: all but `name` and `host` have defaults.',
  },
  NewSuppressions: {
    schema: suppress,
    doc: 'Numbers never to be called: one as `phone`, or many as `phones`.',
  },
  NewAccount: { schema: createAccount, doc: 'A new account.' },
  AccountPatch: { schema: patchAccount, doc: 'What is to change of an account.' },
  NewStreamToken: {
    schema: createStreamToken,
    doc: 'What a stream token is for: these topics, or all that the key may have.',
  },
  NewKey: { schema: createKey, doc: 'A new API key.' },
};

for (const [type, schema] of Object.entries(eventData)) {
  const name = type.replaceAll(/(?:^|[._])(\w)/g, (_, letter: string) => letter.toUpperCase());
  received[name] = { schema, doc: `What \`${type}\` tells.` };
}

const heading = `/**
 * What the server takes and gives, as types. Made by \`npm run generate\` from the schemas in shared/, so that
 * the SDK needs neither them nor zod. Instants are ISO 8601 in UTC, phones E.164 with \`+\`.
 */
`;

/** The text of client-sdk/generated/types.ts. */
export function sdkTypes(): string {
  const texts = new Map<string, string>();
  for (const [name, { values, doc }] of Object.entries(enums)) {
    texts.set(name, declaration(name, doc, values.map((value) => `'${value}'`).join(' | ')));
  }
  for (const [named, io] of [
    [received, 'output'],
    [sent, 'input'],
  ] as const) {
    for (const [name, schema] of Object.entries(jsonSchemas(named, io))) {
      if (texts.has(name)) continue;
      const text = typeText(schema, { nameOfEnum, isSent: io === 'input' });
      texts.set(name, declaration(name, named[name]?.doc ?? '', text));
    }
  }
  return [heading, ...texts.values()].join('\n');
}

function jsonSchemas(named: Named, io: 'input' | 'output'): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, { schema }] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: (id) => id,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      // Ours turn text into text, which is all that a type tells.
      if (zodSchema._zod.def.type === 'transform') jsonSchema.type = 'string';
    },
  });
  return schemas as Record<string, JsonSchema>;
}

function nameOfEnum(values: readonly unknown[]): string | undefined {
  const wanted = values.join();
  return Object.keys(enums).find((name) => enums[name]?.values.join() === wanted);
}

function declaration(name: string, doc: string, type: string): string {
  const isObject = type.startsWith('{') && !type.includes('\n} |');
  return `/** ${doc} */\nexport ${isObject ? `interface ${name} ${type}` : `type ${name} = ${type};`}\n`;
}
