import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(
  path.dirname(fileURLToPath(import.meta.resolve('@dialstream/shared/package.json'))),
);

/** The built files of our own processes. */
export const programs = {
  server: path.join(root, 'server/dist/server/main.js'),
  dialer: path.join(root, 'dialer/dist/dialer/main.js'),
  sipAgent: path.join(root, 'dialer/dist/dialer/sip-agent/main.js'),
  trunkSimulator: path.join(root, 'dialer/dist/dialer/trunk-simulator/main.js'),
};
