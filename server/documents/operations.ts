import type { ProblemCode } from '../problems.js';

/** What the documents say of a route, beside what its schemas and its role say. */
export interface OperationText {
  operationId: string;
  summary: string;
  description?: string;
  /** Codes of refusals beside those that every such route has. */
  refuses?: ProblemCode[];
  /** It honours `If-Match`. */
  ifMatch?: true;
  /** Its answer carries the `ETag` for that. */
  etag?: true;
  /** The component of which its body is any part. */
  patch?: 'CampaignPatch' | 'TrunkPatch';
  /** It opens a WebSocket, or tells why not. */
  upgrades?: true;
}

const changesStatus = {
  ifMatch: true,
  refuses: ['illegal_transition'],
} as const satisfies Partial<OperationText>;
const patching =
  'Only what is named changes. `schedule`, `retry` and `pacing` are merged; lists and `bot` are replaced.';

/** By method and path, in the order in which the documents show them. */
export const operationTexts: Record<string, OperationText> = {
  'POST /v1/campaigns': {
    operationId: 'createCampaign',
    summary: 'Create a campaign, as a draft',
  },
  'GET /v1/campaigns': {
    operationId: 'listCampaigns',
    summary: 'List campaigns, the newest first',
  },
  'GET /v1/campaigns/{id}': {
    operationId: 'getCampaign',
    summary: 'Read a campaign',
    etag: true,
  },
  'PATCH /v1/campaigns/{id}': {
    operationId: 'patchCampaign',
    summary: 'Change settings of a campaign',
    description: `${patching} A finished campaign can only be renamed.`,
    ifMatch: true,
    refuses: ['illegal_transition'],
    patch: 'CampaignPatch',
  },
  'DELETE /v1/campaigns/{id}': {
    operationId: 'deleteCampaign',
    summary: 'Delete a campaign',
    description: 'Possible at any moment: one that is planned, in progress or paused is finished first.',
    ifMatch: true,
  },
  'POST /v1/campaigns/{id}/schedule': {
    operationId: 'scheduleCampaign',
    summary: 'Start a draft, now or at an instant',
    ...changesStatus,
  },
  'POST /v1/campaigns/{id}/unschedule': {
    operationId: 'unscheduleCampaign',
    summary: 'Make a planned campaign a draft again',
    ...changesStatus,
  },
  'POST /v1/campaigns/{id}/pause': {
    operationId: 'pauseCampaign',
    summary: 'Pause a campaign that is in progress',
    description: 'No attempt starts; what rings is cancelled and not charged; conversations go on.',
    ...changesStatus,
  },
  'POST /v1/campaigns/{id}/resume': {
    operationId: 'resumeCampaign',
    summary: 'Resume a paused campaign',
    ifMatch: true,
    refuses: ['illegal_transition', 'out_of_minutes', 'system_failure'],
  },
  'POST /v1/campaigns/{id}/finish': {
    operationId: 'finishCampaign',
    summary: 'Finish a campaign that is planned, in progress or paused',
    ...changesStatus,
  },
  'POST /v1/campaigns/{id}/calls': {
    operationId: 'addCalls',
    summary: 'Add calls to a campaign',
    description:
      'The `ids` of the answer are in the order sent; a number that the campaign has already is a duplicate and has ' +
      'the id of its call.',
    refuses: ['illegal_transition'],
  },
  'GET /v1/campaigns/{id}/calls': {
    operationId: 'listCalls',
    summary: 'List the calls of a campaign',
  },
  'POST /v1/campaigns/{id}/calls/cancel': {
    operationId: 'cancelCalls',
    summary: 'Give calls up, by id or by phone',
  },
  'GET /v1/calls/{id}': {
    operationId: 'getCall',
    summary: 'Read a call with its attempts',
  },
  'GET /v1/trunks': {
    operationId: 'listTrunks',
    summary: 'List trunks',
  },
  'POST /v1/trunks': {
    operationId: 'createTrunk',
    summary: 'Add a trunk',
  },
  'GET /v1/trunks/{id}': {
    operationId: 'getTrunk',
    summary: 'Read a trunk',
    description: 'Its password is never given back.',
  },
  'PATCH /v1/trunks/{id}': {
    operationId: 'patchTrunk',
    summary: 'Change a trunk',
    description: 'Only what is named changes; lists are replaced.',
    patch: 'TrunkPatch',
  },
  'DELETE /v1/trunks/{id}': {
    operationId: 'deleteTrunk',
    summary: 'Delete a trunk',
  },
  'GET /v1/suppressions': {
    operationId: 'listSuppressions',
    summary: 'List the numbers that are never called',
  },
  'POST /v1/suppressions': {
    operationId: 'addSuppressions',
    summary: 'Add numbers that are never to be called',
    description: 'All of them must be numbers, or none is added.',
  },
  'DELETE /v1/suppressions/{phone}': {
    operationId: 'removeSuppression',
    summary: 'Let a number be called again',
  },
  'DELETE /v1/suppressions': {
    operationId: 'removeSuppressionByBody',
    summary: 'The same, with the number in the body',
    refuses: ['not_found'],
  },
  'GET /v1/account': {
    operationId: 'getAccount',
    summary: 'Read the account of the key',
  },
  'PATCH /v1/account': {
    operationId: 'patchAccount',
    summary: 'Change the account of the key',
    description: 'Minutes and limits are changed with the root key only.',
  },
  'GET /v1/accounts': {
    operationId: 'listAccounts',
    summary: 'List all accounts',
  },
  'POST /v1/accounts': {
    operationId: 'createAccount',
    summary: 'Create an account',
    description: "The answer has the key of the new account's admin, which is shown this once.",
  },
  'PATCH /v1/accounts/{id}': {
    operationId: 'patchAccountById',
    summary: 'Change an account',
  },
  'GET /v1/keys': {
    operationId: 'listKeys',
    summary: 'List the API keys of the account',
  },
  'POST /v1/keys': {
    operationId: 'createKey',
    summary: 'Make an API key',
    description: 'Its secret, `key`, is shown this once.',
  },
  'DELETE /v1/keys/{id}': {
    operationId: 'deleteKey',
    summary: 'Revoke an API key',
    description: 'The root key and the last admin key stay.',
    refuses: ['illegal_transition'],
  },
  'POST /v1/stream-tokens': {
    operationId: 'createStreamToken',
    summary: 'Make a token for live streams',
    description:
      'For browsers and apps, which are not to have an API key. It opens streams only, for the topics it names, ' +
      'and no longer than its key.',
    refuses: ['forbidden', 'not_found'],
  },
  'GET /v1/stream': {
    operationId: 'openStream',
    summary: 'Open a WebSocket, or learn why it is refused',
    description:
      'What passes over it is described by the AsyncAPI document. A browser does not tell a page how its WebSocket ' +
      'was refused: the page asks without an upgrade, and gets 401 if its token does not hold, else 426.',
    upgrades: true,
  },
  'GET /healthz': {
    operationId: 'getHealth',
    summary: 'Whether the process lives',
  },
  'GET /readyz': {
    operationId: 'getReadiness',
    summary: 'Whether Postgres, Redis and a dialer are there',
  },
  'GET /metrics': {
    operationId: 'getMetrics',
    summary: 'Metrics for Prometheus',
  },
};
