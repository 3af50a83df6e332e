import type { AsyncApiDocument } from '../asyncapi.js';
import type { OpenApiDocument } from '../openapi-shapes.js';
import type { JsonObject } from '../schemas.js';
import { eventsSection, messagesSection, shownEvents, topicsSection } from './events.js';
import { guide, type Samples } from './guide.js';
import { example, html, prose, type Html } from './html.js';
import { operationsByTag, operationsSection } from './operations.js';
import { schemaTable } from './schema-table.js';

export interface Shown {
  asyncApi: AsyncApiDocument;
  openApi: OpenApiDocument;
  samples: Samples;
}

/** The page that shows both documents. It needs no script. */
export function documentsPage({ asyncApi, openApi, samples }: Shown): string {
  const schemas = { ...asyncApi.components.schemas, ...openApi.components.schemas };
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Documents · Dialstream</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/style.css" />
        <link rel="stylesheet" href="/assets/documents.css" />
      </head>
      <body class="documents">
        <a class="skip" href="#content">To the content</a>
        <header class="top">
          <h1><a href="/">Dialstream</a></h1>
          <a href="/docs/asyncapi.json">AsyncAPI 3</a>
          <a href="/docs/openapi.json">OpenAPI 3.1</a>
        </header>
        <div class="columns">
          ${contents(asyncApi, openApi)}
          <main id="content">
            <section id="live">
              <h2>Live</h2>
              ${prose(asyncApi.info.description)}
            </section>
            ${guide(asyncApi, samples)} ${topicsSection(asyncApi)} ${eventsSection(asyncApi)}
            ${messagesSection(asyncApi)} ${operationsSection(openApi)} ${schemasSection(schemas)}
          </main>
        </div>
      </body>
    </html>`.text;
}

function contents(asyncApi: AsyncApiDocument, openApi: OpenApiDocument): Html {
  const link = (id: string, text: string): Html => html`<li><a href="#${id}">${text}</a></li>`;
  return html`<nav aria-label="Contents">
    <h2>Live</h2>
    <ul>
      ${link('connect', 'Connect')} ${link('subscribe', 'Subscribe')} ${link('apply', 'Apply events')}
      ${link('resume', 'Resume')} ${link('samples', 'Whole clients')} ${link('topics', 'Topics')}
      ${link('messages', 'Messages')}
    </ul>
    <h2>Events</h2>
    <ul>
      ${shownEvents(asyncApi).map(({ type }) => link(`event-${type}`, type))}
    </ul>
    <h2>HTTP</h2>
    <ul>
      ${[...operationsByTag(openApi).keys()].map((tag) => link(`http-${tag}`, tag))}
      ${link('schemas', 'Schemas')}
    </ul>
  </nav>`;
}

function schemasSection(schemas: Record<string, JsonObject>): Html {
  const names = Object.keys(schemas).toSorted((a, b) => a.localeCompare(b));
  return html`<section id="schemas">
    <h2>Schemas</h2>
    ${names.map((name) => {
      const { examples, ...schema } = schemas[name] ?? {};
      return html`<details>
        <summary>${name}</summary>
        <div id="schema-${name}" data-schema="${name}">
          ${schemaTable(schema)} ${Array.isArray(examples) && examples.map(example)}
        </div>
      </details>`;
    })}
  </section>`;
}
