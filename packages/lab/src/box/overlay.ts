import { seedLabel, seedMount } from '../seed.ts';

/** A file of the image: its path, its text, and its mode (octal, as a number). */
export interface ImageFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export interface ImageInputs {
  /** The public key that opens the `vagrant` account. */
  readonly publicKey: string;
  /** The lab network's gateway; libvirt's dnsmasq answers names there. */
  readonly nameserver: string;
  /** Certificates of authorities that this computer trusts beside Debian's own. */
  readonly certificates: ReadonlyMap<string, string>;
}

const networkd = `[Match]
Type=ether

[Network]
DHCP=ipv4
IPv6AcceptRA=no

[DHCPv4]
ClientIdentifier=mac
UseHostname=no
UseDNS=no
`;

const hostKeys = `[Unit]
Description=Host keys of this machine, made at its first boot
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service ssh.socket

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
ExecStart=/usr/bin/ssh-keygen -q -t ecdsa -N "" -f /etc/ssh/ssh_host_ecdsa_key

[Install]
WantedBy=multi-user.target
`;

const sshd = `HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_ecdsa_key
PasswordAuthentication no
UseDNS no
`;

/** An emulated processor that others use as well takes minutes to show its disks at boot, not seconds. */
const patience = `[Manager]
DefaultTimeoutStartSec=10min
DefaultDeviceTimeoutSec=10min
`;

/** The disk with the bundle is mounted as soon as there is one; no boot waits for it. */
const seedRule = `SUBSYSTEM=="block", ENV{ID_FS_LABEL}=="${seedLabel}", TAG+="systemd", ENV{SYSTEMD_WANTS}+="var-lib-skerry-seed.mount"
`;

const seedUnit = `[Unit]
Description=Parts of Kubernetes from the computer that runs this machine

[Mount]
What=/dev/disk/by-label/${seedLabel}
Where=${seedMount}
Type=ext4
Options=ro,noatime
DirectoryMode=0700
`;

/** Only what the root disk needs: a small initrd is read and unpacked in seconds, even emulated. */
const initramfsModules = `virtio_pci
virtio_blk
ext4
crc32c_generic
`;

/** The files that make a plain Debian root a machine of the lab. */
export function imageFiles(inputs: ImageInputs): ImageFile[] {
  const files: ImageFile[] = [
    { path: 'etc/fstab', text: '/dev/vda / ext4 defaults,noatime 0 1\n', mode: 0o644 },
    { path: 'etc/hostname', text: 'lab\n', mode: 0o644 },
    { path: 'etc/hosts', text: '127.0.0.1 localhost\n::1 localhost\n', mode: 0o644 },
    { path: 'etc/resolv.conf', text: `nameserver ${inputs.nameserver}\n`, mode: 0o644 },
    { path: 'etc/systemd/network/20-lab.network', text: networkd, mode: 0o644 },
    { path: 'etc/systemd/system/lab-host-keys.service', text: hostKeys, mode: 0o644 },
    { path: 'etc/systemd/system.conf.d/10-lab.conf', text: patience, mode: 0o644 },
    { path: 'etc/ssh/sshd_config.d/10-lab.conf', text: sshd, mode: 0o644 },
    { path: 'etc/udev/rules.d/70-lab-seed.rules', text: seedRule, mode: 0o644 },
    { path: 'etc/systemd/system/var-lib-skerry-seed.mount', text: seedUnit, mode: 0o644 },
    { path: 'etc/initramfs-tools/modules', text: initramfsModules, mode: 0o644 },
    {
      path: 'etc/initramfs-tools/conf.d/lab',
      text: 'MODULES=list\nCOMPRESS=zstd\nRESUME=none\n',
      mode: 0o644,
    },
    { path: 'etc/sudoers.d/vagrant', text: 'vagrant ALL=(ALL) NOPASSWD: ALL\n', mode: 0o440 },
    {
      path: 'home/vagrant/.ssh/authorized_keys',
      text: `${inputs.publicKey.trim()}\n`,
      mode: 0o600,
    },
  ];
  for (const [name, text] of inputs.certificates) {
    files.push({ path: `usr/local/share/ca-certificates/${name}`, text, mode: 0o644 });
  }
  return files;
}
