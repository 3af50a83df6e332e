export { connect } from './connect.js';
export * from './core.js';
export { socketIo } from './socket-io.js';
