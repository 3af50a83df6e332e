import fs from 'node:fs/promises';
import specs from '@asyncapi/specs';
import { asyncApiDocument } from '@dialstream/server/documents/asyncapi.js';
import { asText } from '@dialstream/server/documents/documents.js';
import { eventData, liveEvent } from '@dialstream/shared/events/contract.js';
import {
  clientFrame,
  closeCodes,
  heartbeat,
  resync,
  serverFrames,
  subscribeAck,
  subscribeRequest,
  unsubscribeAck,
  unsubscribeRequest,
} from '@dialstream/shared/events/protocol.js';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { danglingReferences, schemasOf } from '../../support/json-schemas.js';

const document = asyncApiDocument();
const messages = Object.entries(document.components.messages);
const types = Object.keys(eventData);

describe('the AsyncAPI document', () => {
  test('is the one that is checked in: else run `npm run generate`', async () => {
    const file = new URL('../../../server/documents/asyncapi.json', import.meta.url);
    expect(await fs.readFile(file, 'utf8')).toBe(asText(document));
  });

  test('is AsyncAPI 3.0 by its official schema', () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats.default(ajv);
    const check = ajv.compile(specs.schemasWithoutId['3.0.0']);
    check(JSON.parse(asText(document)));
    expect(check.errors).toBeNull();
  });

  test('has no reference that leads nowhere', () => {
    expect(danglingReferences(document)).toEqual([]);
  });

  test('has a message for every event type, on the topics that it goes to', () => {
    expect(messages.map(([name]) => name)).toEqual(expect.arrayContaining(types));
    const on = (channel: string): string[] => Object.keys(document.channels[channel]?.messages ?? {});
    expect(on('campaign')).toEqual(types.filter((type) => /^(?:campaign|call|attempt|import)\./.test(type)));
    expect(on('campaigns')).toEqual(types.filter((type) => /^(?:campaign|import)\./.test(type)));
    expect(on('system')).toEqual(types.filter((type) => /^(?:trunk|dialer|account)\./.test(type)));
  });

  test('explains every code with which a WebSocket is closed', () => {
    expect(document.channels['stream']?.['x-close-codes']).toHaveLength(Object.keys(closeCodes).length);
  });
});

describe('the examples of the AsyncAPI document', () => {
  const faultsOf = schemasOf(document, '7');

  test('are what the schemas of their messages say', () => {
    for (const [name, { payload, examples }] of messages) {
      const faults = faultsOf(payload);
      expect([name, examples.length]).not.toEqual([name, 0]);
      for (const example of examples) expect([name, faults(example.payload)]).toEqual([name, []]);
    }
  });

  const schemas: Record<string, z.ZodType> = {
    subscribe: subscribeRequest,
    recovered: subscribeAck,
    subscribedAfresh: subscribeAck,
    refused: subscribeAck,
    unsubscribe: unsubscribeRequest,
    unsubscribed: unsubscribeAck,
    heartbeat,
    resync,
    ...Object.fromEntries(types.map((type) => [type, liveEvent])),
    subscribeFrame: clientFrame,
    unsubscribeFrame: clientFrame,
    ackFrame: serverFrames.ack,
    eventFrame: serverFrames.event,
    heartbeatFrame: serverFrames.heartbeat,
    resyncFrame: serverFrames.resync,
    errorFrame: serverFrames.error,
  };

  test('are what the gateway reads and writes', () => {
    for (const [name, { examples }] of messages) {
      for (const { payload } of examples) expect(schemas[name]?.parse(payload)).toEqual(payload);
    }
  });

  test('are refused once they lack a field that every such message has', () => {
    const fields = ['op', 'topic', 'ok', 'heads', 'seq', 'epoch', 'data', 'specversion'];
    for (const [name, { payload, examples }] of messages) {
      const faults = faultsOf(payload);
      for (const example of examples) {
        for (const field of fields.filter((field) => field in (example.payload as object))) {
          const { [field]: _, ...rest } = example.payload as Record<string, unknown>;
          expect([name, field, faults(rest)]).not.toEqual([name, field, []]);
        }
      }
    }
  });
});
