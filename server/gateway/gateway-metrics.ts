import { Counter, Gauge, type Registry } from 'prom-client';

/** What whoever is on call wants to know of the gateway. */
export interface GatewayMetrics {
  /** So many events were given to so many connections. */
  delivered(events: number, connections: number): void;
  /** A subscription ended that the client did not end. */
  resynced(code: string): void;
  /** A connection or a subscription was refused. */
  refused(code: string): void;
}

/** What is counted where it is used. */
export interface InUse {
  connections: () => number;
  subscriptions: () => number;
}

export function createGatewayMetrics(registry: Registry, inUse: InUse): GatewayMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('dialstream_stream_connections', 'Live connections open', inUse.connections);
  gauge('dialstream_stream_subscriptions', 'Subscriptions of live connections', inUse.subscriptions);
  const events = new Counter({
    name: 'dialstream_stream_events_total',
    help: 'Events given to connections, each connection counted',
    registers,
  });
  const resyncs = new Counter({
    name: 'dialstream_stream_resyncs_total',
    help: 'Subscriptions that the gateway ended',
    labelNames: ['code'],
    registers,
  });
  const refusals = new Counter({
    name: 'dialstream_stream_refusals_total',
    help: 'Connections and requests that the gateway refused',
    labelNames: ['code'],
    registers,
  });
  return {
    delivered: (count, connections) => events.inc(count * connections),
    resynced: (code) => resyncs.inc({ code }),
    refused: (code) => refusals.inc({ code }),
  };
}
