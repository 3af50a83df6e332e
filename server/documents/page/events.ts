import type { EventType } from '@dialstream/shared/events/contract.js';
import type { AsyncApiDocument } from '../asyncapi.js';
import type { Message } from '../messages.js';
import { nameOfData, nameOfEvent } from '../names.js';
import type { JsonObject } from '../schemas.js';
import { example, html, phrase, type Html } from './html.js';
import { schemaTable } from './schema-table.js';

export interface ShownEvent {
  type: string;
  message: Message;
  /** Addresses of the topics that it goes to. */
  topics: string[];
}

/** The events, with the topics that have them. */
export function shownEvents({ channels, components }: AsyncApiDocument): ShownEvent[] {
  const topics = topicsOf(channels);
  return Object.entries(components.messages)
    .filter(([type]) => topics.some(({ messages }) => type in messages))
    .map(([type, message]) => ({
      type,
      message,
      topics: topics.filter(({ messages }) => type in messages).map(({ address }) => address),
    }));
}

/** Topics are the channels that both transports carry. */
function topicsOf(channels: AsyncApiDocument['channels']): AsyncApiDocument['channels'][string][] {
  return Object.values(channels).filter(({ servers }) => Array.isArray(servers) && servers.length > 1);
}

export function topicsSection(document: AsyncApiDocument): Html {
  const events = shownEvents(document);
  return html`<section id="topics">
    <h2>Topics</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Topic</th>
            <th>What it is about</th>
            <th>Events</th>
          </tr>
        </thead>
        <tbody>
          ${topicsOf(document.channels).map(
            ({ address, description }) =>
              html`<tr>
                <td><code>${address}</code></td>
                <td>${phrase(description)}</td>
                <td>
                  ${events
                    .filter(({ topics }) => topics.includes(address))
                    .map(({ type }) => html`<a href="#event-${type}"><code>${type}</code></a> `)}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

export function eventsSection(document: AsyncApiDocument): Html {
  const { schemas } = document.components;
  const events = shownEvents(document);
  return html`<section id="events">
    <h2>Events</h2>
    <p>
      Each is a CloudEvent 1.0 in JSON, with its place in the topic. What it tells stands in
      <code>data</code>, which depends on <code>type</code>.
    </p>
    ${schemaTable(envelope(schemas[nameOfEvent('campaign.counts')]))}
    ${events.map(({ type, message, topics }) => {
      const data = schemas[nameOfData(type as EventType)] ?? {};
      return html`<article id="event-${type}" data-event="${type}">
        <h3><code>${type}</code></h3>
        <p>${phrase(message.summary)}</p>
        <p class="topics">On ${topics.map((topic, i) => html`${i > 0 && ', '}<code>${topic}</code>`)}</p>
        ${schemaTable(data)} ${message.examples.map(({ payload }) => example(payload))}
      </article>`;
    })}
  </section>`;
}

/** An event but for its data and its type, which are its own. */
function envelope(event: JsonObject = {}): JsonObject {
  const { data: _data, ...properties } = event['properties'] as Record<string, JsonObject>;
  return {
    ...event,
    properties: { ...properties, type: { type: 'string', description: 'One of those below.' } },
  };
}

/** The messages beside the events: what asks, what answers, and what the gateway says by itself. */
export function messagesSection(document: AsyncApiDocument): Html {
  const { messages, schemas } = document.components;
  const shown = Object.entries(messages).filter(([name]) => !name.includes('.') && !name.endsWith('Frame'));
  return html`<section id="messages">
    <h2>Messages</h2>
    <p>
      As Socket.IO carries them. Frames of WebSocket have the same fields beside <code>op</code>;
      acknowledgements have the <code>id</code> of their request as well. A frame that cannot be read is
      answered by an <a href="#schema-ErrorFrame">error</a>.
    </p>
    ${shown.map(
      ([name, message]) =>
        html`<details>
          <summary><code>${message.name}</code> ${message.title}</summary>
          <div id="message-${name}">
            <p>${phrase(message.summary)}</p>
            ${schemaTable(schemas[nameIn(message.payload)] ?? {})}
            ${message.examples.map(({ payload }) => example(payload))}
          </div>
        </details>`,
    )}
  </section>`;
}

function nameIn({ $ref: reference }: JsonObject): string {
  return typeof reference === 'string' ? (reference.split('/').at(-1) ?? '') : '';
}
