import { closeMeanings, connectMeanings, refusalMeanings, resyncMeanings } from '../codes.js';
import { closeCodes } from '@dialstream/shared/events/protocol.js';
import type { AsyncApiDocument } from '../asyncapi.js';
import { example, html, phrase, type Html } from './html.js';

/** Code that the guide shows. The tests run it. */
export interface Samples {
  webSocket: string;
  socketIo: string;
}

/** How an app follows a topic, from the token to the resumption. */
export function guide({ components: { messages } }: AsyncApiDocument, samples: Samples): Html {
  const shown = (message: string, name: string): Html =>
    example(messages[message]?.examples.find((one) => one.name === name)?.payload);
  return html`
    <section id="connect">
      <h2>Connect</h2>
      <p>
        Everything needs a token: an API key, or for browsers and apps a stream token, which opens nothing but
        streams and ends by itself. Your server makes one with its API key:
      </p>
      ${code(`curl -s http://localhost:3000/v1/stream-tokens -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' -d '{"topics":["campaigns"],"ttlSeconds":3600}'`)}
      <p>
        There are two ways in, and the same messages on both: <strong>Socket.IO</strong> at
        <code>/socket.io</code>, with <code>auth: { token }</code>, and <strong>plain WebSocket</strong> at
        <code>/v1/stream?token=…</code> or with <code>Authorization: Bearer …</code>, for clients in any
        language. In TypeScript and JavaScript the package <code>@dialstream/client-sdk</code> does all of the
        following by itself:
      </p>
      ${code(`import { connect } from '@dialstream/client-sdk';

const client = connect({ url: 'http://localhost:3000', token });
client.subscribe('campaigns', {
  onSnapshot: ({ campaigns }) => show(campaigns),
  onEvent: (event) => apply(event),
});`)}
      <p>
        A connection that is refused says why: <code>connect_error</code> of Socket.IO with the code as its
        message, or an HTTP answer to the upgrade. A browser hides that answer from the page; a plain
        <code>GET</code> of the same address shows it.
      </p>
      ${codeTable(
        'Status and code',
        Object.entries(connectMeanings).map(([code, { status, meaning }]) => [`${status} ${code}`, meaning]),
      )}
    </section>

    <section id="subscribe">
      <h2>Subscribe</h2>
      <p>Ask for a topic. On Socket.IO it is <code>emit('subscribe', {…}, callback)</code>:</p>
      ${shown('subscribe', 'first')}
      <p>
        On WebSocket a frame that names itself in <code>op</code>, with an <code>id</code> for its answer:
      </p>
      ${shown('subscribeFrame', 'subscribe')}
      <p>Without a cursor you get a snapshot, the state of the topic at or after <code>cursor</code>:</p>
      ${shown('subscribedAfresh', 'campaign')}
      <p>Or the request is refused:</p>
      ${shown('refused', 'refused')} ${codeTable('Code', Object.entries(refusalMeanings))}
      <p>A later request for a topic takes the place of an earlier one. <code>unsubscribe</code> ends it.</p>
    </section>

    <section id="apply">
      <h2>Apply events</h2>
      <p>
        Keep a cursor: the <code>epoch</code> and <code>seq</code> of the snapshot, then of each event once
        you have applied it. An event whose <code>seq</code> is not above your cursor you have already. The
        next one is <code>seq + 1</code> in the same <code>epoch</code>; any other means that you have missed
        something: subscribe again with your cursor.
      </p>
      <p>
        Every 10 s a heartbeat tells how far each subscription is. A head beyond your cursor means that you
        have missed something, too:
      </p>
      ${shown('heartbeat', 'heartbeat')}
      <p>
        In mode <code>latest</code> you get what is new at most every 500 ms: of the counts of a campaign only
        the newest, and no events of calls and attempts. There <code>seq</code> does not count up by one: an
        event follows on your cursor when its <code>previousSeq</code> is not above it, and you have missed
        something when the <code>sentSeq</code> of a head is above it. When <code>sentSeq</code> is not, your
        cursor may move up to the head's <code>seq</code>.
      </p>
    </section>

    <section id="resume">
      <h2>Resume</h2>
      <p>
        After a lost connection, a page reload or a gap, subscribe with your cursor. If it can be continued,
        <code>recovered</code> is true and every event after it follows; any gateway continues any cursor:
      </p>
      ${shown('subscribe', 'resume')} ${shown('recovered', 'recovered')}
      <p>
        If not, because the log was lost or does not reach back so far, <code>recovered</code> is false and
        you get a snapshot again. Replace what you have.
      </p>
      <p>The gateway may end a subscription with a <code>resync</code>. Subscribe again, with your cursor:</p>
      ${shown('resync', 'resync')} ${codeTable('Code', Object.entries(resyncMeanings))}
      <p>
        Or it closes the connection. Wait a random time that grows with each failure, then connect again.
        Codes of WebSocket:
      </p>
      ${codeTable(
        'Close code',
        Object.entries(closeCodes).map(([name, code]) => [
          String(code),
          closeMeanings[name as keyof typeof closeCodes],
        ]),
      )}
    </section>

    <section id="samples">
      <h2>Whole clients</h2>
      <p>All of that over plain WebSocket, without any package:</p>
      ${code(samples.webSocket)}
      <p>And the least that does it over Socket.IO:</p>
      ${code(samples.socketIo)}
    </section>
  `;
}

function code(text: string): Html {
  return html`<pre><code>${text.trim()}</code></pre>`;
}

function codeTable(heading: string, rows: [string, string][]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>${heading}</th>
          <th>Meaning</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, meaning]) =>
            html`<tr>
              <td><code>${name}</code></td>
              <td>${phrase(meaning)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
