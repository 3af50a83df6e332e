import type { z } from 'zod';
import type {
  clientFrame,
  Heads,
  Resync,
  SubscribeAck,
  subscribeRequest,
  UnsubscribeAck,
  unsubscribeRequest,
} from '@dialstream/shared/events/protocol.js';
import { documentedEvent, eventTypes } from './events.js';
import { exampleCall, exampleCampaign, exampleCursor, exampleSystem, ids } from './examples.js';
import { nameOfEvent } from './names.js';
import { referenceTo, type Json, type JsonObject } from './schemas.js';

/** One message of the live protocol, as AsyncAPI describes it. */
export interface Message extends JsonObject {
  name: string;
  title: string;
  summary: string;
  contentType: string;
  payload: JsonObject;
  examples: { name: string; payload: Json }[];
}

interface MessageText {
  /** What Socket.IO calls it, and frames in `op`. */
  name: string;
  title: string;
  summary: string;
  payload: JsonObject;
  /** By what they show. */
  examples: Record<string, unknown>;
}

function message({ examples, ...rest }: MessageText): Message {
  return {
    ...rest,
    contentType: 'application/json',
    examples: Object.entries(examples).map(([name, payload]) => ({ name, payload: payload as Json })),
  };
}

const topic = `campaign:${ids.campaign}`;

const subscribe = {
  first: { topic },
  resume: { topic, cursor: exampleCursor },
  latest: { topic: 'campaigns', mode: 'latest' },
} satisfies Record<string, z.input<typeof subscribeRequest>>;

const unsubscribe: z.input<typeof unsubscribeRequest> = { topic };

const acks = {
  recovered: { ok: true, topic, recovered: true, cursor: exampleCursor },
  campaign: {
    ok: true,
    topic,
    recovered: false,
    cursor: exampleCursor,
    snapshot: { campaign: exampleCampaign, calls: [exampleCall] },
  },
  campaigns: {
    ok: true,
    topic: 'campaigns',
    recovered: false,
    cursor: exampleCursor,
    snapshot: { campaigns: [exampleCampaign] },
  },
  system: { ok: true, topic: 'system', recovered: false, cursor: exampleCursor, snapshot: exampleSystem },
  refused: { ok: false, code: 'not_found' },
} satisfies Record<string, SubscribeAck>;

const unsubscribed: UnsubscribeAck = { ok: true, topic };

const heads: Heads = { [topic]: exampleCursor, campaigns: { epoch: ids.epoch, seq: 380, sentSeq: 377 } };
const resync: Resync = { topic, code: 'epoch_changed' };

/** The events, by their types. */
export const eventMessages: Record<string, Message> = Object.fromEntries(
  eventTypes.map((type) => {
    const { summary, example } = documentedEvent(type);
    const payload = { $ref: referenceTo(nameOfEvent(type)) };
    return [type, message({ name: 'event', title: type, summary, payload, examples: { event: example } })];
  }),
);

/** All else that Socket.IO carries. */
export const socketIoMessages: Record<string, Message> = {
  subscribe: message({
    name: 'subscribe',
    title: 'Subscribe',
    summary:
      'Asks for a topic, or for it in another mode. A cursor that can be continued saves the snapshot.',
    payload: { $ref: referenceTo('SubscribeRequest') },
    examples: subscribe,
  }),
  recovered: message({
    name: 'ack',
    title: 'Continued',
    summary: 'Every event after the cursor follows. There is no snapshot: none is needed.',
    payload: { $ref: referenceTo('Recovered') },
    examples: { recovered: acks.recovered },
  }),
  subscribedAfresh: message({
    name: 'ack',
    title: 'With a snapshot',
    summary: 'Replace what you have by `snapshot`; every event after `cursor` follows.',
    payload: { $ref: referenceTo('SubscribedAfresh') },
    examples: { campaign: acks.campaign, campaigns: acks.campaigns, system: acks.system },
  }),
  refused: message({
    name: 'ack',
    title: 'Refused',
    summary: 'The request was refused; the code says why.',
    payload: { $ref: referenceTo('Refusal') },
    examples: { refused: acks.refused },
  }),
  unsubscribe: message({
    name: 'unsubscribe',
    title: 'Unsubscribe',
    summary: 'Ends a subscription.',
    payload: { $ref: referenceTo('UnsubscribeRequest') },
    examples: { unsubscribe },
  }),
  unsubscribed: message({
    name: 'ack',
    title: 'Unsubscribed',
    summary: 'No event of the topic follows. So it is answered, too, when there was no subscription.',
    payload: { $ref: referenceTo('Unsubscribed') },
    examples: { unsubscribed },
  }),
  heartbeat: message({
    name: 'heartbeat',
    title: 'Heartbeat',
    summary: 'Every 10 s: how far each subscription is. A client that is behind has missed something.',
    payload: { $ref: referenceTo('Heartbeat') },
    examples: { heartbeat: { heads } },
  }),
  resync: message({
    name: 'resync',
    title: 'Subscribe again',
    summary: 'A subscription has ended that you did not end. Subscribe again, with your cursor.',
    payload: { $ref: referenceTo('Resync') },
    examples: { resync },
  }),
};

const frame = (op: string): { op: string } => ({ op });
const requests = {
  subscribe: { ...frame('subscribe'), id: 1, ...subscribe.resume },
  unsubscribe: { ...frame('unsubscribe'), id: 2, ...unsubscribe },
} satisfies Record<string, { op: string } & Omit<z.input<typeof clientFrame>, 'op'>>;

/** The same as frames of plain WebSocket. */
export const frameMessages: Record<string, Message> = {
  subscribeFrame: message({
    name: 'subscribe',
    title: 'Subscribe',
    summary: 'Asks for a topic, or for it in another mode. The acknowledgement has the same `id`.',
    payload: { $ref: referenceTo('SubscribeFrame') },
    examples: { subscribe: requests.subscribe },
  }),
  unsubscribeFrame: message({
    name: 'unsubscribe',
    title: 'Unsubscribe',
    summary: 'Ends a subscription. The acknowledgement has the same `id`.',
    payload: { $ref: referenceTo('UnsubscribeFrame') },
    examples: { unsubscribe: requests.unsubscribe },
  }),
  ackFrame: message({
    name: 'ack',
    title: 'Acknowledgement',
    summary: 'Answers one request: with what Socket.IO gives to its callback.',
    payload: framed('ack', 'Recovered', 'SubscribedAfresh', 'Unsubscribed', 'Refusal'),
    examples: {
      recovered: { ...frame('ack'), id: 1, ...acks.recovered },
      refused: { ...frame('ack'), id: 1, ...acks.refused },
      unsubscribed: { ...frame('ack'), id: 2, ...unsubscribed },
    },
  }),
  eventFrame: message({
    name: 'event',
    title: 'Event',
    summary: 'One event, with the fields that it has on Socket.IO.',
    payload: framed('event', ...eventTypes.map(nameOfEvent)),
    examples: { event: { ...frame('event'), ...documentedEvent('campaign.counts').example } },
  }),
  heartbeatFrame: message({
    name: 'heartbeat',
    title: 'Heartbeat',
    summary: 'Every 10 s: how far each subscription is. A client that is behind has missed something.',
    payload: framed('heartbeat', 'Heartbeat'),
    examples: { heartbeat: { ...frame('heartbeat'), heads } },
  }),
  resyncFrame: message({
    name: 'resync',
    title: 'Subscribe again',
    summary: 'A subscription has ended that you did not end. Subscribe again, with your cursor.',
    payload: framed('resync', 'Resync'),
    examples: { resync: { ...frame('resync'), ...resync } },
  }),
  errorFrame: message({
    name: 'error',
    title: 'Error',
    summary: 'A frame could not be read. Others are not affected; over and over, the connection is closed.',
    payload: { $ref: referenceTo('ErrorFrame') },
    examples: {
      error: { ...frame('error'), code: 'bad_request', detail: 'the frame is no JSON object in text' },
    },
  }),
};

/** One of some messages as a frame: with its name, and for an acknowledgement the `id` of what it answers. */
function framed(op: string, ...names: string[]): JsonObject {
  const [only, ...more] = names.map((name) => ({ $ref: referenceTo(name) }));
  const id = {
    oneOf: [{ type: 'integer' }, { type: 'string' }],
    description: 'The `id` of the request, if it had one.',
  };
  return {
    allOf: [
      {
        type: 'object',
        properties: { op: { type: 'string', const: op }, ...(op === 'ack' && { id }) },
        required: ['op'],
      },
      more.length === 0 && only ? only : { anyOf: names.map((name) => ({ $ref: referenceTo(name) })) },
    ],
  };
}
