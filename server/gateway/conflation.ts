import type { PlacedEvent } from './placed-event.js';

/** Collects what `latest` mode sends of a topic: no events of calls, and of counts the last of each campaign. */
export class Conflation {
  readonly #kept = new Map<string, PlacedEvent>();

  /** Events that follow those of the last call. */
  add(events: readonly PlacedEvent[]): void {
    for (const event of events) {
      if (event.type === 'call.status_changed' || event.type === 'attempt.changed') continue;
      const key = event.type === 'campaign.counts' ? event.subject : `seq ${event.seq}`;
      // Put at the end anew, so that the order stays that of the seqs.
      this.#kept.delete(key);
      this.#kept.set(key, event);
    }
  }

  /** Gives them in the order of their seq, each with the one before, the first with `previousSeq`; forgets them. */
  take(previousSeq: number): PlacedEvent[] {
    let previous = previousSeq;
    const events = [...this.#kept.values()].map((event) => {
      const following = event.following(previous);
      previous = event.seq;
      return following;
    });
    this.#kept.clear();
    return events;
  }
}
