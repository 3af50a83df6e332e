/** RFC 3261 section 17 and table 4, ms. All other timers are made of these. */
export interface TimerValues {
  /** Estimate of the round trip. */
  t1: number;
  /** Longest pause between two retransmissions of a non-INVITE request or an INVITE response. */
  t2: number;
  /** How long a message stays in the network. */
  t4: number;
  /** How long a far end may ring (timer C, RFC 3261 section 16.6), and a client think about an INVITE. */
  c: number;
}

export const defaultTimers: TimerValues = { t1: 500, t2: 4_000, t4: 5_000, c: 185_000 };

/** Calls `send` again after `first` ms, then after twice as long each time, at most `longest`, until stopped. */
export function retransmit(first: number, longest: number, send: () => void): () => void {
  let pause = first;
  const again = (): void => {
    send();
    pause = Math.min(pause * 2, longest);
    timer = setTimeout(again, pause);
  };
  let timer = setTimeout(again, pause);
  return () => clearTimeout(timer);
}
