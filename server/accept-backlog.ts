/**
 * Connections that may wait to be accepted; the system may allow fewer. With Node's 511, thousands that come back
 * at once are not answered, and the clients' systems try again after 1, 2, 4, … seconds.
 */
export const acceptBacklog = 4_096;
