import { z } from 'zod';

/** The serial number of a disk, as `lsblk -o SERIAL` shows it. */
export const diskSerial = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:+-]*$/, 'a serial number as lsblk -o SERIAL shows it');

/** A name below /dev/disk/by-id. */
export const diskId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:+-]*$/, 'a name below /dev/disk/by-id, without the folder');

/**
 * How a block device is named: by the serial number of a disk, or by a name below /dev/disk/by-id
 * (for a partition too). Never as /dev/sda or /dev/nvme0n1: those change from boot to boot.
 * Gives the two positional parameters that `find_device` takes.
 */
export function deviceArgs(name: {
  serial?: string | undefined;
  id?: string | undefined;
}): [string, string] {
  return name.serial === undefined ? ['id', name.id ?? ''] : ['serial', name.serial];
}

/** `serial S4X…`, for messages. */
export function deviceLabel(name: {
  serial?: string | undefined;
  id?: string | undefined;
}): string {
  return name.serial === undefined ? `disk ${name.id}` : `disk with serial ${name.serial}`;
}

/** Exactly one of the two must be given. */
export function oneDevice(value: {
  serial?: string | undefined;
  id?: string | undefined;
}): boolean {
  return (value.serial === undefined) !== (value.id === undefined);
}

/**
 * sh: `find_device serial|id NAME` sets `device` to a path like /dev/nvme0n1, or to '' where there
 * is none, and fails where several disks have that serial number (the namespaces of one NVMe
 * controller do). `serial_of DEVICE` prints the serial number of a whole disk. Both read sysfs
 * first (NVMe and virtio have it there) and ask lsblk for the rest (SCSI, SATA, USB).
 */
export const findDevice = `
serial_of() {
  for at in "/sys/class/block/\${1##*/}/serial" "/sys/class/block/\${1##*/}/device/serial"; do
    [ -r "$at" ] || continue
    tr -d ' \\n' <"$at"
    return 0
  done
  lsblk -dno SERIAL "$1" 2>/dev/null | tr -d ' \\n'
}
find_device() {
  device=
  if [ "$1" = id ]; then
    [ -e "/dev/disk/by-id/$2" ] && device=$(readlink -f "/dev/disk/by-id/$2")
    return 0
  fi
  for block in /sys/block/*; do
    case \${block##*/} in loop* | ram* | zram* | dm-* | md* | sr* | fd* | '*') continue ;; esac
    [ "$(serial_of "/dev/\${block##*/}")" = "$2" ] || continue
    if [ -n "$device" ]; then
      echo "two disks have the serial number $2: $device and /dev/\${block##*/}; name the one that is meant by its id in /dev/disk/by-id" >&2
      return 1
    fi
    device=/dev/\${block##*/}
  done
}
`;
