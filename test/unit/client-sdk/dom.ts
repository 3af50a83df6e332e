import { Window } from 'happy-dom';
import type { ReactNode } from 'react';

/** A document as browsers have it. React looks for it when it is loaded, so this is imported first. */
const window = new Window({ url: 'http://page.example.com/' });

Object.assign(globalThis, { window, document: window.document, navigator: window.navigator });

const { flushSync } = await import('react-dom');
const { createRoot, hydrateRoot } = await import('react-dom/client');

/** What is drawn in an element of its own. */
export interface Drawn {
  text(): string;
  /** Draws something else in its place, at once. */
  draw(node: ReactNode): void;
  remove(): void;
  /** What React complained of. */
  faults: unknown[];
}

/** Draws in an empty element; with `html`, in one that a server has filled. */
export function drawn(node: ReactNode, html?: string): Drawn {
  const element = window.document.createElement('div') as unknown as HTMLDivElement;
  document.body.append(element);
  const faults: unknown[] = [];
  const options = {
    onRecoverableError: (error: unknown) => void faults.push(error),
    onUncaughtError: (error: unknown) => void faults.push(error),
  };
  if (html !== undefined) element.innerHTML = html;
  const root =
    html === undefined ? createRoot(element, options) : flushSync(() => hydrateRoot(element, node, options));
  const draw = (next: ReactNode): void => flushSync(() => root.render(next));
  if (html === undefined) draw(node);
  return {
    text: () => element.textContent ?? '',
    draw,
    remove() {
      flushSync(() => root.unmount());
      element.remove();
    },
    faults,
  };
}
