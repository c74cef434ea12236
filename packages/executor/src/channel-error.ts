/** A channel that could not be opened. */
export class ChannelError extends Error {
  readonly how: 'aborted' | 'timedOut' | 'lost' | 'refused';

  constructor(how: ChannelError['how'], message: string) {
    super(message);
    this.how = how;
  }
}
