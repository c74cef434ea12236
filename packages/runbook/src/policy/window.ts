const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** Times at which something may be done: some hours of some days, every week. */
export interface Window {
  /** 0 is Monday. The days on which it begins. */
  readonly days: ReadonlySet<number>;
  /** Minutes after midnight; where `to` is not after `from`, it ends on the next day. */
  readonly from: number;
  readonly to: number;
  /** An IANA time zone. */
  readonly zone: string;
}

/**
 * Reads `Sat-Sun 22:00-04:00 Europe/Oslo`: days (`Mon`, `Mon-Fri`, `Tue,Thu`, `daily`), hours, and a
 * time zone, UTC where none is named. Undefined where it is none of that form.
 */
export function parseWindow(text: string): Window | undefined {
  const [dayText = '', hours = '', zone = 'UTC', ...rest] = text.trim().split(/\s+/);
  const found = daysOf(dayText);
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(hours) ?? [];
  if (found === undefined || fromHour === undefined || rest.length > 0) return undefined;
  if (!isZone(zone)) return undefined;
  return {
    days: found,
    from: Number(fromHour) * 60 + Number(fromMinute),
    to: Number(toHour) * 60 + Number(toMinute),
    zone,
  };
}

function isZone(zone: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function daysOf(text: string): ReadonlySet<number> | undefined {
  if (text === 'daily') return new Set(days.keys());
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [first, last = first] = part
      .split('-')
      .map((name) => days.findIndex((day) => day.toLowerCase() === name.toLowerCase()));
    if (first === undefined || last === undefined || first < 0 || last < 0) return undefined;
    if (part.split('-').length > 2) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === last) break;
    }
  }
  return found;
}

/** Whether a moment lies in a window. */
export function isWithin(window: Window, moment: Date): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: window.zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(moment);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  const day = days.findIndex((name) => name === part('weekday'));
  const minute = Number(part('hour')) * 60 + Number(part('minute'));
  const { from, to } = window;
  if (from < to) return window.days.has(day) && minute >= from && minute < to;
  if (window.days.has(day) && minute >= from) return true;
  return window.days.has((day + 6) % 7) && minute < to;
}
