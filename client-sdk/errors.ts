/** What {@link LiveError} can say. */
export type LiveErrorCode = 'closed' | 'refused';

/** A subscription that cannot be: the client is closed, or the server has refused it for good. */
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
