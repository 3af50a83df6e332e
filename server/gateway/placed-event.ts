import type { TopicName } from '@dialstream/shared/events/topics.js';

/** Where an event stands in a topic; `previousSeq` in `latest` mode only. */
export interface Place {
  topic: TopicName;
  epoch: string;
  seq: number;
  previousSeq?: number;
}

/** What is looked at of an event; the rest is passed on unseen. */
interface Stored {
  type: string;
  subject: string;
}

/** One event with its place in a topic. What the wire needs of it is made once for all who get it. */
export class PlacedEvent {
  #json: string | null = null;
  #object: object | null = null;

  private constructor(
    private readonly body: string,
    private readonly stored: Stored,
    private readonly place: Place,
  ) {}

  /** From an event as Redis holds it. Null: it cannot be read. */
  static of(body: string, place: Place): PlacedEvent | null {
    try {
      const stored = JSON.parse(body) as Partial<Stored> | null;
      if (typeof stored?.type !== 'string' || typeof stored.subject !== 'string') return null;
      return new PlacedEvent(body, stored as Stored, place);
    } catch {
      return null;
    }
  }

  get seq(): number {
    return this.place.seq;
  }

  get type(): string {
    return this.stored.type;
  }

  get subject(): string {
    return this.stored.subject;
  }

  /** CloudEvents 1.0 as JSON text. */
  get json(): string {
    // The body is a JSON object that has members already.
    this.#json ??= `${this.body.trimEnd().slice(0, -1)},${JSON.stringify(this.place).slice(1)}`;
    return this.#json;
  }

  get object(): object {
    return (this.#object ??= { ...this.stored, ...this.place });
  }

  /** The same for `latest` mode, where it follows the event `previousSeq`. */
  following(previousSeq: number): PlacedEvent {
    return new PlacedEvent(this.body, this.stored, { ...this.place, previousSeq });
  }
}
