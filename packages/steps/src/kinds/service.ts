import { z } from 'zod';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { splitOptions } from '../step-options.ts';

const schema = z
  .strictObject({
    /** With or without `.service`; instances (`getty@tty1`), timers and sockets too. */
    unit: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:_.\\@-]*$/),
    /** Starts at boot. Units that cannot be enabled (static, generated) count as they are. */
    enabled: z.boolean().optional(),
    running: z.boolean().optional(),
    /** Linked to /dev/null, so that nothing can start it: neither enabled nor running. */
    masked: z.boolean().optional(),
  })
  .refine(
    (value) => !(value.masked === true && (value.enabled === true || value.running === true)),
    {
      message: 'a masked unit can be neither enabled nor running',
    },
  );
type Desired = z.infer<typeof schema>;

interface Observed {
  /** `loaded`, `not-found`, `masked`, `bad-setting`, `error`. */
  readonly load: string;
  /** `active`, `inactive`, `failed`, `activating`, … */
  readonly active: string;
  /** `enabled`, `disabled`, `static`, `masked`, …; '' where there is no unit file. */
  readonly file: string;
  /** A unit file changed and systemd has not read it yet. */
  readonly needsReload: boolean;
}

// One call for all units, whose answers stand apart by an empty line; where it fails, one for each.
const probe = `
if ! command -v systemctl >/dev/null; then
  echo 'systemctl is missing: services can only be managed where systemd runs' >&2
  exit 1
fi
show() { systemctl show --no-pager --property=LoadState,ActiveState,UnitFileState,NeedDaemonReload -- "$@"; }
between='

'
if [ $# = 1 ] || ! states=$(show "$@" 2>/dev/null); then states=; fi
while :; do
  if [ -n "$states" ]; then
    printf '%s\\n' "\${states%%"$between"*}"; status=$?
    states=\${states#*"$between"}
  else
    show "$1"; status=$?
  fi
  shift
  [ $# -gt 0 ] || exit "$status"
  next "$status"
done
`;

// The properties are read again, because steps before this one may have brought or changed the unit.
const converge = `
unit=$1 enabled=$2 running=$3 masked=$4
nl='
'
# look: what systemd knows of the unit, in load and stale; each call takes a slow machine a quarter of a second.
look() {
  known=$nl$(systemctl show --no-pager --property=LoadState,NeedDaemonReload -- "$unit")$nl
  load=\${known#*"\${nl}LoadState="} stale=\${known#*"\${nl}NeedDaemonReload="}
  load=\${load%%"$nl"*} stale=\${stale%%"$nl"*}
}
look
if [ "$stale" = yes ] || [ "$load" = not-found ]; then
  systemctl daemon-reload || exit 1
  look
fi
if [ "$masked" = true ]; then
  if [ "$load" != not-found ]; then systemctl stop -- "$unit" || exit 1; fi
  systemctl --quiet mask -- "$unit"
  exit
fi
case "$masked,$enabled,$running" in
  false,* | *true*)
    if [ "$load" = masked ]; then
      systemctl --quiet unmask -- "$unit" || exit 1
      look
    fi ;;
esac
if [ "$load" = not-found ]; then
  [ "$enabled" != true ] && [ "$running" != true ] && exit 0
  echo "there is no unit $unit: the package that brings it is not installed, or the name is another one" >&2
  exit 1
fi
case $enabled in
  true) systemctl --quiet enable -- "$unit" || exit 1 ;;
  false) systemctl --quiet disable -- "$unit" || exit 1 ;;
esac
case $running in
  true)
    if ! systemctl start -- "$unit"; then
      systemctl status --no-pager --full --lines=20 -- "$unit" >&2
      exit 1
    fi ;;
  false) systemctl stop -- "$unit" || exit 1 ;;
esac
`;

const fixedStates = new Set(['static', 'indirect', 'generated', 'transient', 'alias', 'linked']);
const word = (value: boolean | undefined): string => (value === undefined ? '' : String(value));

function enabledChange(desired: Desired, observed: Observed): Change[] {
  if (desired.enabled === undefined || fixedStates.has(observed.file)) return [];
  const before = observed.file === '' ? 'disabled' : observed.file;
  const isEnabled = before === 'enabled';
  if (desired.enabled === isEnabled || (!desired.enabled && before === 'masked')) return [];
  const after = desired.enabled ? 'enabled' : 'disabled';
  return [{ subject: `${desired.unit} (at boot)`, action: 'update', before, after }];
}

function runningChange(desired: Desired, observed: Observed): Change[] {
  const running = desired.masked === true ? false : desired.running;
  if (running === undefined) return [];
  const isRunning = observed.active === 'active' || observed.active === 'reloading';
  const isStopped = observed.active === 'inactive' || observed.active === 'failed';
  if (running ? isRunning : isStopped) return [];
  const after = running ? 'active' : 'inactive';
  return [{ subject: `${desired.unit} (live)`, action: 'update', before: observed.active, after }];
}

/** A unit of systemd: at boot, now, and masked. A changed unit file is read again (daemon-reload). */
export const serviceKind: StepKind<Desired, Observed> = {
  kind: 'service',
  schema,
  summary: ({ unit, enabled, running, masked }) => {
    const asked = [
      enabled === undefined ? '' : enabled ? 'enabled' : 'disabled',
      running === undefined ? '' : running ? 'running' : 'stopped',
      masked === undefined ? '' : masked ? 'masked' : 'not masked',
    ].filter((part) => part !== '');
    return `service ${unit}: ${asked.join(', ') || 'nothing asked'}`;
  },
  probe: (desired) => ({ ...sh(probe, desired.unit), joins: true }),
  parse: ({ stdout }) => {
    const properties = new Map(
      stdout.split('\n').map((line): [string, string] => {
        const equals = line.indexOf('=');
        return [line.slice(0, Math.max(0, equals)), line.slice(equals + 1)];
      }),
    );
    const load = properties.get('LoadState');
    if (load === undefined) throw new Error(`systemctl show said no LoadState: ${stdout}`);
    return {
      load,
      active: properties.get('ActiveState') ?? '',
      file: properties.get('UnitFileState') ?? '',
      needsReload: properties.get('NeedDaemonReload') === 'yes',
    };
  },
  diff: (desired, observed) => {
    const { unit } = desired;
    const changes: Change[] = [];
    const isMasked = observed.load === 'masked' || observed.file === 'masked';
    if (desired.masked === true) {
      if (!isMasked)
        changes.push({ subject: unit, action: 'update', before: 'not masked', after: 'masked' });
      return [...changes, ...runningChange(desired, observed)];
    }
    if (observed.load === 'not-found') {
      if (desired.enabled !== true && desired.running !== true) return [];
      const after = [
        desired.enabled === true ? 'enabled' : '',
        desired.running === true ? 'running' : '',
      ];
      return [
        {
          subject: unit,
          action: 'update',
          before: 'no such unit',
          after: after.filter((part) => part !== '').join(', '),
          why: 'the unit does not exist now; an earlier step must bring it',
        },
      ];
    }
    if (
      isMasked &&
      (desired.masked === false || desired.enabled === true || desired.running === true)
    ) {
      changes.push({ subject: unit, action: 'update', before: 'masked', after: 'not masked' });
    }
    if (observed.needsReload) {
      changes.push({
        subject: `${unit} (daemon-reload)`,
        action: 'run',
        why: 'its unit file changed since systemd read it',
      });
    }
    return [...changes, ...enabledChange(desired, observed), ...runningChange(desired, observed)];
  },
  converge: ({ unit, enabled, running, masked }) =>
    sh(converge, unit, word(enabled), word(running), word(masked)),
};

/** `service('containerd', { enabled: true, running: true })` */
export function service(
  unit: string,
  fields: {
    readonly enabled?: boolean;
    readonly running?: boolean;
    readonly masked?: boolean;
  } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: serviceKind, name: unit, desired: { unit, ...own }, options };
}
