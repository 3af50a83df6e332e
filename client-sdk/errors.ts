/** What {@link LiveError} can say. */
export type LiveErrorCode = 'closed' | 'already_subscribed';

/** A call that cannot be carried out, because of how the client is used. */
export class LiveError extends Error {
  override readonly name = 'LiveError';

  constructor(
    /** The reason, for programs. */
    readonly code: LiveErrorCode,
    message: string,
  ) {
    super(message);
  }
}
