import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  blockQueueKind,
  filesystemKind,
  gateKind,
  hostnameKind,
  kernelModulesKind,
  mountKind,
  packageKind,
  packageRepositoryKind,
  sh,
  swapKind,
  sysctlKind,
} from '../src/index.ts';
import { aptRepository } from './harness/apt-repository.ts';
import { convergeForReal, observe, planForReal } from './harness/converge-for-real.ts';
import { canUseNamespaces, namespace, type Namespace } from './harness/namespace.ts';
import { runFragment, shells } from './harness/run-fragment.ts';

const has = (...names: string[]): boolean =>
  names.every((name) =>
    (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${name}`)),
  );

const canUseLoop = has('losetup', 'mkfs.ext4') && existsSync('/dev/loop-control');

describe.skipIf(!canUseNamespaces).each(shells)('%s', (shell) => {
  let place: Namespace;
  beforeAll(async () => {
    place = await namespace();
  });
  afterAll(() => place[Symbol.asyncDispose]());

  /** By a shell of the test's own, not by a kind. */
  const run = async (code: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr, code: status } = await runFragment('bash', sh(code, ...args), place);
    expect(status, stderr).toBe(0);
    return stdout.trim();
  };

  it('sets the hostname, and cloud-init leaves it alone', async () => {
    await run('mkdir -p /etc/cloud/cloud.cfg.d');
    await convergeForReal(hostnameKind, { hostname: 'oslo-cp-1' }, shell, place);
    expect(await run('uname -n; cat /etc/hostname')).toBe('oslo-cp-1\noslo-cp-1');
  });

  it('sets kernel parameters, live and in the file', async () => {
    await run('echo 1 >/proc/sys/net/ipv4/ip_forward');
    const values = {
      'net.ipv4.ip_forward': 0,
      'net/ipv4/tcp_rmem': '4096 131072 16777216',
      'net.ipv4.conf.lxc*.rp_filter': 0,
      '-net.nothing.here': 1,
    };
    const changes = await convergeForReal(sysctlKind, { name: 'test', values }, shell, place);
    expect(changes.map((change) => change.subject)).toContain('net.ipv4.ip_forward (live)');
    expect(await run('sysctl -n net.ipv4.ip_forward net.ipv4.tcp_rmem')).toBe(
      '0\n4096\t131072\t16777216',
    );
    expect(await run('cat /etc/sysctl.d/90-test.conf')).toContain(
      'net.ipv4.conf.lxc*.rp_filter = 0',
    );
  });

  it('finds the parameter that a later file sets otherwise, and no comment', async () => {
    await run(
      'printf "%s\\n" "#net.ipv4.ip_forward=7" " - net.ipv4.ip_forward = 1" >/etc/sysctl.d/99-z.conf',
    );
    const values = { 'net.ipv4.ip_forward': 0 };
    const changes = await planForReal(sysctlKind, { name: 'test', values }, shell, place);
    expect(changes).toContainEqual(expect.objectContaining({ action: 'refuse', before: '1' }));
    await run('rm /etc/sysctl.d/99-z.conf');
  });

  it('says which key the kernel does not have', async () => {
    const desired = sysctlKind.schema.parse({ name: 'no', values: { 'net.nothing.here': 1 } });
    const result = await runFragment(shell, sysctlKind.converge(desired, []), place);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('net/nothing/here') });
  });

  it('counts what is built in as loaded', async () => {
    const builtIn = await run(
      'for at in /sys/module/*; do [ -e $at/initstate ] || basename $at; done | head -n 1',
    );
    const desired = { name: 'test', modules: [builtIn] };
    const changes = await convergeForReal(kernelModulesKind, desired, shell, place);
    expect(changes.map((change) => change.subject)).toEqual(['/etc/modules-load.d/test.conf']);
  });

  it.skipIf(!has('fio'))('measures fsync once, and keeps the result', async () => {
    const desired = { name: 'disk', fsync: { path: '/var', p99: 1000 } };
    const [change] = await planForReal(gateKind, desired, shell, place);
    expect(change).toMatchObject({ action: 'run' });
    const tooFast = gateKind.schema.parse({
      name: 'disk',
      fsync: { path: '/var', p99: 0.000_001 },
    });
    const slow = await runFragment(shell, gateKind.converge(tooFast, []), place);
    expect(slow).toMatchObject({ code: 1, stderr: expect.stringContaining('too slow') });
    expect(await planForReal(gateKind, desired, shell, place)).toEqual([]);
    const refused = await observe(gateKind, tooFast, shell, place);
    expect(gateKind.diff(tooFast, { ...refused })).toMatchObject(
      refused.fsync?.state === 'measured' && refused.fsync.p99 === 0 ? [] : [{ action: 'refuse' }],
    );
    expect(await run('ls -A /var | grep skerry-fsync || echo none')).toBe('none');
  });

  it.skipIf(!canUseLoop)(
    'guards what a disk holds, formats, mounts, and turns swap off',
    async () => {
      const loop = await run(
        'truncate -s 48M /tmp/skerry-test/disk; losetup -f --show /tmp/skerry-test/disk',
      );
      try {
        await run(
          'ln -sf "$1" /dev/disk/by-id/disk; mkswap "$1" >/dev/null; swapon "$1"; printf "%s\\n" "/dev/sda1 / ext4 defaults 0 1" "$1 none swap sw 0 0" >/etc/fstab; mkdir -p /etc/systemd/system; echo "[Swap]" >/etc/systemd/system/old.swap',
          loop,
        );
        const disk = { id: 'disk', label: 'etcd' };
        const refuse = async (why: string): Promise<void> => {
          const changes = await planForReal(filesystemKind, disk, shell, place);
          expect(changes).toMatchObject([{ action: 'refuse', why: expect.stringContaining(why) }]);
          const before = await run('sha256sum <"$1"', loop);
          const fragment = filesystemKind.converge(filesystemKind.schema.parse(disk), changes);
          expect(await runFragment(shell, fragment, place)).toMatchObject({ code: 1 });
          expect(await run('sha256sum <"$1"', loop)).toBe(before);
        };
        await refuse('is swap');

        const changes = await convergeForReal(swapKind, { enabled: false }, shell, place);
        expect(changes.find((change) => change.subject === '/etc/fstab')?.diff).toContain(
          `+# swap is off (Skerry): ${loop} none swap sw 0 0`,
        );
        expect(await run('swapon --show; readlink /etc/systemd/system/old.swap')).toBe('/dev/null');
        await refuse('a signature of swap');

        await run(
          'wipefs -qa "$1"; printf x | dd of="$1" bs=1 seek=700000 conv=notrunc status=none',
          loop,
        );
        await refuse('bytes other than zero');

        await run('head -c 1048576 /dev/zero | dd of="$1" conv=notrunc status=none', loop);
        await convergeForReal(filesystemKind, disk, shell, place);
        expect(await run('blkid -p -s LABEL -o value "$1"', loop)).toBe('etcd');

        const path = '/var/lib/skerry-etcd';
        await run('mkdir -p "$1"; touch "$1/member"', path);
        const hidden = await planForReal(mountKind, { path, id: 'disk' }, shell, place);
        expect(hidden).toContainEqual(expect.objectContaining({ action: 'refuse' }));
        await run('rm "$1/member"', path);
        await convergeForReal(mountKind, { path, id: 'disk' }, shell, place);
        expect(await run('findmnt -no SOURCE,OPTIONS "$1"', path)).toMatch(/^\/dev\/loop.*noatime/);
        await run('mount -o remount,strictatime "$1"', path);
        const [drift] = await convergeForReal(mountKind, { path, id: 'disk' }, shell, place);
        expect(drift).toMatchObject({ subject: `${path} (live)`, after: 'noatime' });
        expect(await run('grep -c " $1 " /etc/fstab', path)).toBe('1');
        expect(
          await planForReal(filesystemKind, { id: 'disk', label: 'x' }, shell, place),
        ).toMatchObject([{ action: 'refuse', why: expect.stringContaining(`mounted on ${path}`) }]);

        const queue = { id: 'disk', scheduler: 'mq-deadline' };
        await run('echo none >"/sys/block/${1#/dev/}/queue/scheduler"', loop);
        const offered = await run('cat "/sys/block/${1#/dev/}/queue/scheduler"', loop);
        if (offered.includes('mq-deadline'))
          await convergeForReal(blockQueueKind, queue, shell, place);
        await convergeForReal(blockQueueKind, { id: 'disk', scheduler: 'none' }, shell, place);
        expect(await run('cat "/sys/block/${1#/dev/}/queue/scheduler"', loop)).toMatch(
          /\[none\]|^none$/,
        );

        await run('umount "$1"', path);
        await run(
          'dd if=/dev/zero of="$1" bs=1M count=4 conv=notrunc status=none; printf x | dd of="$1" bs=1 seek=9 conv=notrunc status=none; : >/var/lib/skerry/format-id-disk',
          loop,
        );
        const [again] = await convergeForReal(filesystemKind, disk, shell, place);
        expect(again?.why).toContain('did not finish');
      } finally {
        await run('swapoff "$1" 2>/dev/null; umount "$1" 2>/dev/null; losetup -d "$1"', loop);
      }
    },
    120_000,
  );

  // In one shell only: most of the time goes to apt itself.
  it.skipIf(shell !== 'dash' || !has('apt-get', 'gpg', 'dpkg-deb'))(
    'adds a signed repository, and installs, pins, holds and removes packages',
    async () => {
      const { key, fingerprint, uri } = await aptRepository(place);
      await run('rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*');
      const repository = {
        name: 'test',
        apt: { uris: [uri], suites: ['./'] },
        key,
        fingerprints: [fingerprint],
      };
      await convergeForReal(packageRepositoryKind, repository, shell, place);
      const version = (name: string): Promise<string> =>
        run('dpkg-query -W -f "\\${db:Status-Abbrev}\\${Version}" "$1" 2>/dev/null || :', name);

      const old = { name: 'skerry-a', version: '1.0-1', hold: true };
      await convergeForReal(packageKind, { name: 'x', present: [old] }, shell, place);
      expect(await version('skerry-a')).toBe('hi 1.0-1');
      await convergeForReal(
        packageKind,
        { name: 'x', present: ['skerry-a', 'skerry-b'] },
        shell,
        place,
      );
      expect(await version('skerry-a'), 'not upgraded on the way').toBe('hi 1.0-1');

      const fresh = { name: 'skerry-a', version: '1.1-1', hold: false };
      await convergeForReal(packageKind, { name: 'x', present: [fresh] }, shell, place);
      expect(await version('skerry-a')).toBe('ii 1.1-1');

      const desired = packageKind.schema.parse({ name: 'x', absent: ['skerry-a'] });
      const more = await runFragment(shell, packageKind.converge(desired, []), place);
      expect(more).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('would remove skerry-b'),
      });
      await convergeForReal(
        packageKind,
        { name: 'x', absent: ['skerry-a', 'skerry-b'] },
        shell,
        place,
      );
      expect(await version('skerry-a')).toBe('');

      const unknown = packageKind.schema.parse({ name: 'x', present: ['skerry-none'] });
      const missing = await runFragment(shell, packageKind.converge(unknown, []), place);
      expect(missing).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('not installed: skerry-none'),
      });

      // From the bundle alone: the repository above is not looked at.
      const lay = `mkdir -p /var/lib/skerry/bundle && cd /tmp/skerry-test/repo && for name in skerry-a skerry-b; do
set -- $(sha256sum $name-1.0-1.deb) $(stat -c %s $name-1.0-1.deb); cp $name-1.0-1.deb /var/lib/skerry/bundle/$1; echo $1 $3; done`;
      const laid = (await run(lay)).trimEnd().split('\n');
      const archives = ['skerry-a', 'skerry-b'].map((name, index) => {
        const [sha256 = '', size] = laid[index]?.split(' ') ?? [];
        const neededBy = name === 'skerry-a' ? ['skerry-a', 'skerry-b'] : ['skerry-b'];
        return {
          name,
          version: '1.0-1',
          neededBy,
          path: `${name}.deb`,
          sha256,
          size: Number(size),
        };
      });
      const bundled = { name: 'x', present: ['skerry-b'], archives };
      await convergeForReal(packageKind, bundled, shell, place);
      expect(await version('skerry-a'), 'as the bundle has it').toBe('ii 1.0-1');
      expect(await version('skerry-b')).toBe('ii 1.0-1');
      expect(await run('ls /var/lib/skerry/bundle; ls -d /var/lib/skerry/packages || :')).toBe('');

      await run(
        'dpkg --purge skerry-b 2>/dev/null; cd /var/lib/skerry/bundle; echo spoilt >"$1"',
        ...(laid[1]?.split(' ').slice(0, 1) ?? []),
      );
      const again = packageKind.schema.parse(bundled);
      const changes = [{ subject: 'skerry-b', action: 'create' as const, after: 'installed' }];
      const spoilt = await runFragment(shell, packageKind.converge(again, changes), place);
      expect(spoilt).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(
          `the package ${archives[1]?.sha256} of the bundle cannot be read`,
        ),
      });
      expect(await version('skerry-b')).toBe('');
    },
    120_000,
  );
});
