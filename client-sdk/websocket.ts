/** Everything but Socket.IO, whose client a bundler then leaves out. */
export { connect } from './connect-web-socket.js';
export * from './core.js';
