/**
 * Topics as subscribers name them, and as Redis names them: `campaigns` and `system` are one per account.
 */
export type TopicName = 'campaigns' | 'system' | `campaign:${string}`;

const campaignTopic = /^campaign:[0-9a-f-]{36}$/;

export function isTopicName(text: string): text is TopicName {
  return text === 'campaigns' || text === 'system' || campaignTopic.test(text);
}

/** The campaign of a `campaign:<id>` topic, else null. */
export function campaignOf(topic: TopicName): string | null {
  return topic.startsWith('campaign:') ? topic.slice('campaign:'.length) : null;
}

/** The name of a topic in Redis, which holds those of all accounts. */
export function storedTopic(accountId: string, topic: TopicName): string {
  return topic.startsWith('campaign:') ? topic : `${topic}:${accountId}`;
}

/** The keys of one topic. `head` is a hash `{epoch, seq, life}`; entry ids of `stream` are `<seq>-0`. */
export function topicKeys(prefix: string, stored: string): { head: string; stream: string } {
  return { head: `${prefix}:head:${stored}`, stream: `${prefix}:stream:${stored}` };
}

/** Names the life of the log, and the run of Redis that it was last seen in. */
export function lifeKey(prefix: string): string {
  return `${prefix}:life`;
}

/** The last event number of a scope that Redis holds. */
export function scopeKey(prefix: string, scope: string): string {
  return `${prefix}:scope:${scope}`;
}

/** Pub/Sub channel that rings when topics have new entries; its messages are stored topic names. */
export function doorbell(prefix: string): string {
  return `${prefix}:doorbell`;
}
