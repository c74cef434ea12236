import type { AptOrigin } from './apt-origin.ts';

export type DebianRelease = 'bookworm' | 'trixie';

/** Packages of the image. The kernel of the cloud flavour has nvme, ip_vs and all that nodes need. */
export const imagePackages: readonly string[] = [
  'ca-certificates',
  'dbus',
  'e2fsprogs',
  'fio',
  'initramfs-tools',
  'iproute2',
  'iputils-ping',
  'kmod',
  'linux-image-cloud-amd64',
  'openssh-server',
  'procps',
  'sudo',
  'systemd',
  'systemd-sysv',
  'udev',
  'zstd',
];

/** Units that only cost time in a machine that lives for an hour. */
const maskedUnits = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty@tty1.service',
  'ldconfig.service',
  'modprobe@drm.service',
  'modprobe@efi_pstore.service',
  'serial-getty@ttyS0.service',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-binfmt.service',
  'systemd-networkd-wait-online.service',
];

/** Generators that look for what a lab machine never has; each is a process at every boot. */
const maskedGenerators = [
  'systemd-bless-boot-generator',
  'systemd-cryptsetup-generator',
  'systemd-gpt-auto-generator',
  'systemd-hibernate-resume-generator',
  'systemd-integritysetup-generator',
  'systemd-rc-local-generator',
  'systemd-ssh-generator',
  'systemd-tpm2-generator',
  'systemd-veritysetup-generator',
];

/**
 * Run by mmdebstrap when all packages are there: `sh customize.sh ROOT OVERLAY`.
 * Nothing that must be unique to a machine (machine-id, host keys) stays in the image.
 */
export const customizeScript = `set -eu
root=$1
overlay=$2
chroot "$root" useradd --create-home --shell /bin/bash --password '*' vagrant
# mmdebstrap links resolv.conf to the builder's during the build
rm -f "$root/etc/resolv.conf"
cp -R --preserve=mode --remove-destination "$overlay/." "$root/"
chroot "$root" chown -R root:root /etc/fstab /etc/hostname /etc/hosts /etc/resolv.conf \\
  /etc/systemd /etc/udev /etc/ssh /etc/initramfs-tools /etc/sudoers.d /usr/local/share/ca-certificates
chroot "$root" chown -R vagrant:vagrant /home/vagrant
chmod 700 "$root/home/vagrant/.ssh"
chmod 755 "$root" "$root/etc" "$root/usr" "$root/home"
chroot "$root" systemctl enable ssh.service systemd-networkd.service lab-host-keys.service
chroot "$root" systemctl mask ${maskedUnits.join(' ')}
mkdir -p "$root/etc/systemd/system-generators"
for generator in ${maskedGenerators.join(' ')}; do
  ln -s /dev/null "$root/etc/systemd/system-generators/$generator"
done
chroot "$root" update-ca-certificates
chroot "$root" update-initramfs -u -k all
rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
: > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
`;

export interface MmdebstrapInputs {
  readonly debian: DebianRelease;
  readonly origin: AptOrigin;
  readonly customize: string;
  readonly overlay: string;
  readonly root: string;
  /** Beside those of every image. */
  readonly packages: readonly string[];
}

/** The arguments of mmdebstrap. The package lists stay, so that a machine can install at once. */
export function mmdebstrapArguments(inputs: MmdebstrapInputs): string[] {
  return [
    '--variant=minbase',
    '--architectures=amd64',
    `--include=${[...imagePackages, ...inputs.packages].join(',')}`,
    '--skip=cleanup/apt/lists',
    '--aptopt=Acquire::Languages "none"',
    ...inputs.origin.options.map((option) => `--aptopt=${option}`),
    `--customize-hook=sh '${inputs.customize}' "$1" '${inputs.overlay}'`,
    inputs.debian,
    inputs.root,
    ...inputs.origin.sources(inputs.debian),
  ];
}
