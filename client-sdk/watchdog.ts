/** Milliseconds that what has come already has to be read, before silence is believed. */
const graceAtMostMs = 1_000;

/**
 * Tells when nothing was heard for so long. A page that was frozen hears late: what waits to be read gets a
 * grace first.
 */
export class Watchdog {
  #heardAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly silenceMs: number,
    private readonly onSilence: () => void,
  ) {}

  start(): void {
    this.heard();
    this.#wait(this.silenceMs);
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const left = this.#heardAt + this.silenceMs - performance.now();
    if (left > 0) return this.#wait(left);
    const heardAt = this.#heardAt;
    this.#timer = setTimeout(
      () => {
        if (this.#heardAt === heardAt) this.onSilence();
        else this.#look();
      },
      Math.min(graceAtMostMs, this.silenceMs / 5),
    );
  }
}
