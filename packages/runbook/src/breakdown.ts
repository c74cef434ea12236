import { importLine, waits } from '@skerry/steps';
import type { RunEvent } from './events.ts';

/** What a run spends its time on, in the order in which one thing counts before another. */
const categories = [
  'kubeadm',
  'image import',
  'waiting for pods',
  'uploads',
  'applying objects',
  'other steps on hosts',
  'verification',
  'Skerry itself',
] as const;
export type Category = (typeof categories)[number];

const categoryOfKind: Readonly<Record<string, Category>> = {
  membership: 'kubeadm',
  controlPlane: 'kubeadm',
  // Until it says that it imports them, it waits for their archives.
  images: 'uploads',
  // Between them these two wait until what they make is ready, and say so.
  objects: 'applying objects',
  verification: 'verification',
};

export interface BreakdownRow {
  readonly what: Category;
  readonly milliseconds: number;
}

/**
 * Where the wall time of a run goes, from its events: each moment counts once, for the first category
 * of the list that any host is busy with; moments in which no host works on a step are Skerry's own.
 */
export class Breakdown {
  readonly #now: () => number;
  readonly #started: number;
  readonly #sums = new Map<Category, number>();
  /** How many are busy with a category now. */
  readonly #busy = new Map<Category, number>();
  readonly #open = new Map<string, Category>();
  /** Steps that wait for their files, with what they are busy with otherwise. */
  readonly #paused = new Map<string, Category>();
  #setUp = '';
  #since: number;
  #broughtUp = false;

  /** `now` gives milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#started = now();
    this.#since = this.#started;
  }

  /** Passes events on, after it has looked at them. */
  listen(emit: (event: RunEvent) => void): (event: RunEvent) => void {
    return (event) => {
      this.#see(event);
      emit(event);
    };
  }

  /** Of a run that made a host a member of a cluster; undefined of others, for which nobody asks. */
  rows(): readonly BreakdownRow[] | undefined {
    this.#account();
    if (!this.#broughtUp) return undefined;
    return categories.map((what) => ({
      what,
      milliseconds: Math.round(this.#sums.get(what) ?? 0),
    }));
  }

  #see(event: RunEvent): void {
    switch (event.type) {
      case 'step-started': {
        const kind = event.step.split(' ')[0] ?? '';
        const category = event.handler ? undefined : categoryOfKind[kind];
        this.#begin(keyOf(event), category ?? 'other steps on hosts');
        return;
      }
      case 'step-finished':
        if (event.step.startsWith('membership') && event.result === 'changed') {
          this.#broughtUp = true;
        }
        this.#paused.delete(keyOf(event));
        this.#end(keyOf(event));
        return;
      case 'step-output':
        for (const line of event.text.split('\n')) this.#heard(event, line);
        return;
      case 'sending':
        if (event.sent < event.total) this.#upload(keyOf({ ...event, handler: false }));
        else this.#uploaded(keyOf({ ...event, handler: false }));
        return;
      case 'waiting':
        if (event.step === 'verification') {
          this.#end(this.#setUp);
          this.#setUp = keyOf({ ...event, handler: false });
          this.#begin(this.#setUp, 'verification');
        }
        return;
      case 'verification-started':
        this.#begin('verification', 'verification');
        return;
      case 'verification-round':
        this.#end(this.#setUp);
        return;
      case 'verification-finished':
        this.#end(this.#setUp);
        this.#end('verification');
        return;
      case 'run-started':
      case 'phase':
      case 'host-probed':
      case 'host-failed':
      case 'planned':
      case 'plan':
      case 'play-started':
      case 'host-verified':
      case 'check-finished':
      case 'warning':
      case 'run-finished':
        return;
    }
  }

  /** A step that says that it waits for pods does nothing else until it says that it waits no more. */
  #heard({ host, step }: { readonly host: string; readonly step: string }, line: string): void {
    const key = keyOf({ host, step, handler: false });
    const own = categoryOfKind[step.split(' ')[0] ?? ''];
    if (own === undefined || !this.#open.has(key)) return;
    if (line === importLine) this.#begin(key, 'image import');
    if (line.startsWith(waits.begins)) this.#begin(key, 'waiting for pods');
    if (line.startsWith(waits.ends)) this.#begin(key, own);
  }

  /** A step whose files are on their way does nothing else. */
  #upload(key: string): void {
    const category = this.#open.get(key);
    if (category === undefined || category === 'uploads') return;
    this.#paused.set(key, category);
    this.#begin(key, 'uploads');
  }

  #uploaded(key: string): void {
    const category = this.#paused.get(key);
    if (category === undefined) return;
    this.#paused.delete(key);
    this.#begin(key, category);
  }

  #begin(key: string, category: Category): void {
    this.#end(key);
    this.#account();
    this.#open.set(key, category);
    this.#busy.set(category, (this.#busy.get(category) ?? 0) + 1);
  }

  #end(key: string): void {
    const category = this.#open.get(key);
    if (category === undefined) return;
    this.#account();
    this.#open.delete(key);
    this.#busy.set(category, (this.#busy.get(category) ?? 0) - 1);
  }

  #account(): void {
    const now = this.#now();
    const busy = categories.find((category) => (this.#busy.get(category) ?? 0) > 0);
    const category = busy ?? 'Skerry itself';
    this.#sums.set(category, (this.#sums.get(category) ?? 0) + now - this.#since);
    this.#since = now;
  }
}

function keyOf(event: {
  readonly host: string;
  readonly step: string;
  readonly handler: boolean;
}): string {
  return `${event.handler ? 'handler' : 'step'} ${event.host} ${event.step}`;
}
