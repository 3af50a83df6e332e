/** A piece of HTML. Made by `html` only, so that no text gets into a page unescaped. */
export class Html {
  constructor(readonly text: string) {}
}

export type Part = Html | string | number | false | null | undefined | readonly Part[];

/** HTML with values in it: texts are escaped, lists are put together, `false` and the like are left out. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(strings.map((string, i) => string + written(values[i])).join(''));
}

function written(part: Part): string {
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  if (part instanceof Html) return part.text;
  return part ? part.map(written).join('') : '';
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** What descriptions use of Markdown: paragraphs, lists and code. */
export function prose(text = ''): Html {
  const blocks = text.split('\n\n').filter(Boolean);
  return html`${blocks.map((block) =>
    block.startsWith('- ')
      ? html`<ul>
          ${block.split('\n').map((line) => html`<li>${phrase(line.slice(2))}</li>`)}
        </ul>`
      : html`<p>${phrase(block)}</p>`,
  )}`;
}

/** Text with `code` in it. */
export function phrase(text: string): Html {
  const parts = text.split('`');
  return html`${parts.map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** A value as a reader would write it: what fits into a line stands in one. */
export function example(value: unknown): Html {
  return html`<pre><code>${asLines(value, '')}</code></pre>`;
}

const lineCharacters = 80;

function asLines(value: unknown, indent: string): string {
  const inOneLine = JSON.stringify(value).replaceAll(
    /("(?:[^"\\]|\\.)*")|([:,])/g,
    (_, text?: string, mark?: string) => (text === undefined ? `${mark} ` : text),
  );
  if (typeof value !== 'object' || value === null || indent.length + inOneLine.length <= lineCharacters) {
    return inOneLine;
  }
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const lines = Object.entries(value).map(([name, one]) => {
    const label = Array.isArray(value) ? '' : `${JSON.stringify(name)}: `;
    return `${inner}${label}${asLines(one, inner)}`;
  });
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}
