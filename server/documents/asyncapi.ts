import { closeCodes } from '@dialstream/shared/events/protocol.js';
import { messageBytesAtMost, pingEveryMs, silenceMs } from '../gateway/connection.js';
import { streamPath } from '../gateway/stream-address.js';
import { asList, closeMeanings, connectMeanings, refusalMeanings, resyncMeanings } from './codes.js';
import { documentedEvent, eventTypes, topics, type ExampleTopic } from './events.js';
import { eventMessages, frameMessages, socketIoMessages, type Message } from './messages.js';
import { liveAnswers, liveRequests } from './names.js';
import { createSchemas, type JsonObject } from './schemas.js';

type Reference = { $ref: string };

interface Channel extends JsonObject {
  address: string;
  title: string;
  description: string;
  messages: Record<string, Reference>;
}

interface Operation extends JsonObject {
  action: 'send' | 'receive';
  channel: Reference;
  summary: string;
  messages: Reference[];
}

/** AsyncAPI 3.0, of which this is what ours uses. */
export interface AsyncApiDocument extends JsonObject {
  asyncapi: string;
  info: { title: string; version: string; description: string; license: JsonObject };
  channels: Record<string, Channel>;
  operations: Record<string, Operation>;
  components: {
    schemas: Record<string, JsonObject>;
    messages: Record<string, Message>;
    securitySchemes: Record<string, JsonObject>;
  };
}

const description = `Statuses of campaigns and calls, live, in order and without gaps. Socket.IO and plain WebSocket carry the same \
messages: on Socket.IO each is the event of its name, and what answers it goes to its callback; on WebSocket each \
is a text frame of JSON that says its name in \`op\`.

Subscribe without a cursor and you get a snapshot, which is the state of the topic at or after \`cursor\`; then every \
event after it, once and in order. Keep the \`epoch\` and \`seq\` of the last event that you have applied: with them as \
\`cursor\` you go on where you were, after any interruption and on any gateway.

Operations are the gateway's: it receives what clients send, and sends what they get.`;

/** The live protocol, from its schemas. */
export function asyncApiDocument(): AsyncApiDocument {
  const target = 'draft-7';
  const answers = createSchemas({ names: liveAnswers, io: 'output', target }).components();
  const requests = createSchemas({ names: liveRequests, io: 'input', target }).components();
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Dialstream live',
      version: '1',
      description,
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: servers(),
    channels: channels(),
    operations: operations(),
    components: {
      schemas: withMeanings({ ...requests, ...answers }),
      messages: { ...socketIoMessages, ...eventMessages, ...frameMessages },
      securitySchemes,
    },
  };
}

const securitySchemes = {
  socketIoToken: {
    type: 'apiKey',
    in: 'password',
    description: 'An API key or a stream token, as `auth: { token }` of the Socket.IO client.',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a stream token.' },
  tokenInAddress: {
    type: 'httpApiKey',
    in: 'query',
    name: 'token',
    description:
      'The same for browsers, whose WebSocket sets no headers. Addresses end up in logs: use a stream token.',
  },
};

function servers(): JsonObject {
  const common = {
    host: '{host}',
    variables: { host: { default: 'localhost:3000', description: 'Host and port of a Dialstream server.' } },
  };
  const refused = asList(
    Object.fromEntries(Object.entries(connectMeanings).map(([code, { meaning }]) => [code, meaning])),
  );
  return {
    socketIo: {
      ...common,
      protocol: 'socket.io',
      protocolVersion: '5',
      pathname: '/socket.io',
      description:
        'Clients of Socket.IO 3 and 4. Use their transport `websocket`: polling is served, too, but among several ' +
        'gateways it needs a balancer that is sticky. A refused connection has a `connect_error` whose message is ' +
        `the code:\n\n${refused}`,
      security: [{ $ref: '#/components/securitySchemes/socketIoToken' }],
    },
    webSocket: {
      ...common,
      protocol: 'ws',
      description:
        'Plain WebSocket, for clients in any language. A refused upgrade is an HTTP answer whose body is a problem ' +
        `with the code:\n\n${refused}\n\nA browser does not show it to the page. The page learns it by a plain \`GET\` of ` +
        'the same address: 401 with a token that does not hold, else 426.',
      security: [
        { $ref: '#/components/securitySchemes/bearer' },
        { $ref: '#/components/securitySchemes/tokenInAddress' },
      ],
    },
  };
}

/** Topics by the names of their channels. */
const topicChannels = {
  campaigns: {
    topic: topics[0],
    address: 'campaigns',
    what: 'Every campaign of the account: statuses and counts.',
  },
  campaign: {
    topic: topics[1],
    address: 'campaign:{campaignId}',
    what: 'One campaign, with its calls and attempts.',
  },
  system: {
    topic: topics[2],
    address: 'system',
    what: 'For admins: trunks, dialers and limits of the account.',
  },
} as const satisfies Record<string, { topic: ExampleTopic; address: string; what: string }>;

function channels(): Record<string, Channel> {
  const both = [{ $ref: '#/servers/socketIo' }, { $ref: '#/servers/webSocket' }];
  const ofTopics = Object.entries(topicChannels).map(
    ([name, { topic, address, what }]): [string, Channel] => [
      name,
      {
        address,
        title: `Topic ${address}`,
        description: what,
        servers: both,
        ...(name === 'campaign' && {
          parameters: { campaignId: { description: 'The `id` of a campaign of the account.' } },
        }),
        messages: referencesTo(typesOn(topic)),
      },
    ],
  );
  return {
    socketIo: {
      address: '/',
      title: 'Socket.IO',
      description: 'The main namespace of Socket.IO. Its events are the messages by their `name`.',
      servers: [{ $ref: '#/servers/socketIo' }],
      messages: referencesTo([...Object.keys(socketIoMessages), ...eventTypes]),
    },
    stream: {
      address: streamPath,
      title: 'WebSocket',
      description:
        `One text frame of JSON for each message, ${messageBytesAtMost / 1_024} KiB at most from a client. The gateway ` +
        `sends a ping frame every ${pingEveryMs / 1_000} s; a connection of which it hears nothing for about ` +
        `${silenceMs / 1_000} s is closed.`,
      servers: [{ $ref: '#/servers/webSocket' }],
      messages: referencesTo(Object.keys(frameMessages)),
      bindings: {
        ws: {
          method: 'GET',
          query: { type: 'object', properties: { token: { type: 'string' } } },
          bindingVersion: '0.1.0',
        },
      },
      'x-close-codes': Object.entries(closeCodes).map(([name, code]) => ({
        code,
        name,
        meaning: closeMeanings[name as keyof typeof closeCodes],
      })),
    },
    ...Object.fromEntries(ofTopics),
  };
}

function typesOn(topic: ExampleTopic): string[] {
  return eventTypes.filter((type) => documentedEvent(type).topics.includes(topic));
}

function referencesTo(names: string[]): Record<string, Reference> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function operations(): Record<string, Operation> {
  const send = (channel: string, summary: string, names: string[]): Operation => ({
    action: 'send',
    channel: { $ref: `#/channels/${channel}` },
    summary,
    messages: on(channel, names),
  });
  const answer = (channel: string, summary: string, name: string, replies: string[]): Operation => ({
    action: 'receive',
    channel: { $ref: `#/channels/${channel}` },
    summary,
    messages: on(channel, [name]),
    reply: { channel: { $ref: `#/channels/${channel}` }, messages: on(channel, replies) },
  });
  const topicEvents = Object.entries(topicChannels).map(([name, { topic, address }]) => [
    `${name}Events`,
    send(name, `Events of \`${address}\``, typesOn(topic)),
  ]);
  return {
    subscribe: answer('socketIo', 'Subscribe, or subscribe again', 'subscribe', [
      'recovered',
      'subscribedAfresh',
      'refused',
    ]),
    unsubscribe: answer('socketIo', 'Unsubscribe', 'unsubscribe', ['unsubscribed', 'refused']),
    events: send('socketIo', 'Events of the subscribed topics', eventTypes),
    heartbeat: send('socketIo', 'Heads of the subscriptions, every 10 s', ['heartbeat']),
    resync: send('socketIo', 'A subscription has ended', ['resync']),
    subscribeByFrame: answer('stream', 'Subscribe, or subscribe again', 'subscribeFrame', ['ackFrame']),
    unsubscribeByFrame: answer('stream', 'Unsubscribe', 'unsubscribeFrame', ['ackFrame']),
    eventsAsFrames: send('stream', 'Events of the subscribed topics', ['eventFrame']),
    heartbeatAsFrame: send('stream', 'Heads of the subscriptions, every 10 s', ['heartbeatFrame']),
    resyncAsFrame: send('stream', 'A subscription has ended', ['resyncFrame']),
    errorAsFrame: send('stream', 'A frame could not be read', ['errorFrame']),
    ...(Object.fromEntries(topicEvents) as Record<string, Operation>),
  };
}

function on(channel: string, names: string[]): Reference[] {
  return names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }));
}

/** Says at the schemas that have a code what each code means. */
function withMeanings(schemas: Record<string, JsonObject>): Record<string, JsonObject> {
  const explain = (
    name: string,
    what: string,
    meanings: Record<string, string>,
  ): Record<string, JsonObject> => ({
    [name]: { ...schemas[name], description: `${what}\n\n${asList(meanings)}` },
  });
  return {
    ...schemas,
    ...explain('Refusal', 'Why a request was refused.', refusalMeanings),
    ...explain('Resync', 'Why a subscription has ended.', resyncMeanings),
  };
}
