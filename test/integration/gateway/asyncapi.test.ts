import { asyncApiDocument } from '@dialstream/server/documents/asyncapi.js';
import type { Message } from '@dialstream/server/documents/messages.js';
import { emitCounts } from '@dialstream/shared/db/campaign-changes.js';
import { schemasOf } from '../../support/json-schemas.js';
import { addCalls, addCampaign } from '../../support/records.js';
import { rename } from './changes.js';
import { expect, test } from './live.js';
import { RawWebSocketClient } from './raw-client.js';

const document = asyncApiDocument();
const { messages } = document.components;
const faultsOf = schemasOf(document, '7');

/** What the document does not say of a message that should be one of these. */
function faults(message: unknown, names: string[]): string[] {
  const payloads = names.map((name) => (messages[name] as Message).payload);
  return faultsOf({ anyOf: payloads })(message);
}

test('all that Socket.IO carries is as the AsyncAPI document says', async ({ live, db }) => {
  const { accountId, token } = await live.account();
  const campaignId = await addCampaign(db, accountId);
  await addCalls(db, accountId, campaignId, 2);
  const { outbox } = await live.publishing();
  const { url, gateway } = await live.gateway();
  const client = await live.client(url, token);
  const topic = `campaign:${campaignId}`;
  for (const name of ['campaigns', 'system', topic]) {
    expect(faults(await client.subscribe(name), ['subscribedAfresh'])).toEqual([]);
  }
  await rename(outbox, { accountId, campaignId });
  await outbox.change([campaignId], (tx, emit) => emitCounts(tx, emit, campaignId));
  await client.until('events', ({ events }) => events.length === 4);
  for (const event of client.events) expect(faults(event, [event.type])).toEqual([]);
  const { epoch = '', seq = 0 } = client.events.find((event) => event.topic === topic) ?? {};
  expect(faults(await client.subscribe(topic, { epoch, seq }), ['recovered'])).toEqual([]);
  expect(faults(await client.subscribe('nothing'), ['refused'])).toEqual([]);
  expect(faults(await client.ask('unsubscribe', { topic }), ['unsubscribed'])).toEqual([]);
  await gateway.beat();
  await client.until('heartbeat', ({ heartbeats }) => heartbeats.length === 1);
  expect(faults({ heads: client.heartbeats[0] }, ['heartbeat'])).toEqual([]);
  live.principals.delete(token);
  await gateway.checkRights();
  await client.until('resyncs', ({ resyncs }) => resyncs.length === 2);
  for (const resync of client.resyncs) expect(faults(resync, ['resync'])).toEqual([]);
});

test('all frames of plain WebSocket are as the AsyncAPI document says', async ({ live, db }) => {
  const { accountId, token } = await live.account();
  const campaignId = await addCampaign(db, accountId);
  const { outbox } = await live.publishing();
  const { url, gateway } = await live.gateway();
  const client = new RawWebSocketClient(url, token);
  live.defer(() => client.close());
  const frames: { op: string }[] = [];
  client.socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as { op: string }));
  await client.connected();
  const topic = `campaign:${campaignId}`;
  await client.subscribed(topic);
  await client.subscribed('campaigns', undefined, 'latest');
  await client.subscribe('nothing');
  client.send('nonsense');
  await outbox.change([campaignId], (tx, emit) => emitCounts(tx, emit, campaignId));
  await client.until('events and an error', ({ events, errors }) => events.length + errors.length === 3);
  await gateway.beat();
  await client.until('heartbeat', ({ heartbeats }) => heartbeats.length === 1);
  await client.ask('unsubscribe', { topic });
  live.principals.delete(token);
  await gateway.checkRights();
  await client.disconnected();
  const ops = ['ack', 'error', 'event', 'heartbeat', 'resync'];
  expect([...new Set(frames.map(({ op }) => op))].toSorted()).toEqual(ops);
  for (const frame of frames) expect([frame, faults(frame, [`${frame.op}Frame`])]).toEqual([frame, []]);
  expect(document.channels['stream']?.['x-close-codes']).toContainEqual(
    expect.objectContaining({ code: client.closedWith?.code, name: client.closedWith?.reason }),
  );
});
