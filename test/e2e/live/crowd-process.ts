import { WebSocket } from 'ws';
import { Member, type TransportName } from './crowd-member.js';

/** What a crowd is told on its command line, as JSON. */
export interface CrowdOrder {
  transport: TransportName;
  port: number;
  token: string;
  topic: string;
  size: number;
}

/** What a crowd says of itself. */
export interface CrowdReport {
  /** Members that are subscribed, or have been. */
  subscribed: number;
  /** Events that all of them have at least. */
  events: number;
  /** What went wrong, the first few. */
  faults: string[];
}

/** So many connect at once: more would only wait in the queue of the listening socket. */
const atOnce = 200;
const reportEveryMs = 100;

/** Many subscribers in one process; they keep nothing but the number of their last event. */
const order = JSON.parse(process.argv[2] ?? '') as CrowdOrder;
const faults: string[] = [];
const members: Member[] = [];
let subscribed = 0;
let next = 0;

function add(): void {
  if (next >= order.size) return;
  const name = `${order.transport} ${(next += 1)}`;
  const path =
    order.transport === 'WebSocket'
      ? `/v1/stream?token=${order.token}`
      : '/socket.io/?EIO=4&transport=websocket';
  const webSocket = new WebSocket(`ws://127.0.0.1:${order.port}${path}`, { perMessageDeflate: false });
  const member = new Member(webSocket, order, {
    subscribed() {
      subscribed += 1;
      add();
    },
    fault: (what) => void faults.push(`${name}: ${what}`),
  });
  members.push(member);
}

for (let n = 0; n < atOnce; n += 1) add();

setInterval(() => {
  const events = Math.min(...members.map((member) => member.events));
  const report: CrowdReport = { subscribed, events, faults: faults.slice(0, 5) };
  process.send?.(report);
}, reportEveryMs);
process.on('disconnect', () => process.exit(0));
