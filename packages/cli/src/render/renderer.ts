import type { RunEvent } from '@skerry/runbook';

/** A subscriber to what a run tells. Strings in events are concealed and harmless already. */
export interface Renderer {
  event(event: RunEvent): void;
  /** Lines that stay, above whatever is being redrawn. */
  line(text: string): void;
  /** Leaves the terminal alone until `resume`: a question is being asked. */
  pause(): void;
  resume(): void;
  close(): void;
}
