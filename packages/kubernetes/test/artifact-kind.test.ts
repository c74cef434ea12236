import { createHash } from 'node:crypto';
import { sh } from '@skerry/steps';
import { describe, expect, it } from 'vitest';
import {
  convergeForReal,
  observe,
  planForReal,
} from '../../steps/test/harness/converge-for-real.ts';
import { canUseNamespaces, namespace, type Namespace } from '../../steps/test/harness/namespace.ts';
import { runFragment, shells } from '../../steps/test/harness/run-fragment.ts';
import { artifactKind } from '../src/index.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const program = '#!/bin/sh\necho one\n';
const fileOf = (content: string, install: string, mode = '0755') => ({
  name: 'tool',
  version: '1.0',
  path: 'tool',
  sha256: sha256(content),
  size: content.length,
  install,
  mode,
});
const desired = {
  name: 'tools',
  files: [fileOf(program, '/etc/skerry-bin/one'), fileOf('text\n', '/etc/skerry.conf', '0640')],
};

const bring = (place: Namespace, content: string, name = sha256(content)) =>
  runFragment(
    'dash',
    sh(
      'mkdir -p /var/lib/skerry/bundle && printf %s "$1" >"/var/lib/skerry/bundle/$2"',
      content,
      name,
    ),
    place,
  );
const look = async (place: Namespace, code: string): Promise<string> => {
  const { stdout, stderr } = await runFragment('dash', sh(code), place);
  return stdout + stderr;
};

describe.runIf(canUseNamespaces).each(shells)('artifacts, in %s', (shell) => {
  it('come from the store to their places, and the store is empty again', async () => {
    await using place = await namespace();
    await bring(place, program);
    await bring(place, 'text\n');
    const changes = await convergeForReal(artifactKind, desired, shell, place);
    expect(changes.map(({ subject }) => subject)).toEqual([
      '/etc/skerry-bin/one',
      '/etc/skerry.conf',
    ]);
    expect(await look(place, 'ls /var/lib/skerry/bundle; /etc/skerry-bin/one')).toBe('one\n');
    expect(await look(place, 'stat -c "%a %U" /etc/skerry.conf')).toBe('640 root\n');
  });

  it('are hashed only where they look other than when they were put there', async () => {
    await using place = await namespace();
    await bring(place, program);
    await bring(place, 'text\n');
    await convergeForReal(artifactKind, desired, shell, place);
    // A sha256sum that fails shows whether the probe has to ask it.
    const inside = [...place.inside, 'env', 'PATH=/tmp/skerry-test/no-hash:/usr/bin:/bin'];
    await look(
      place,
      'mkdir /tmp/skerry-test/no-hash; printf "#!/bin/sh\\nexit 3\\n" >/tmp/skerry-test/no-hash/sha256sum; chmod +x /tmp/skerry-test/no-hash/sha256sum',
    );
    expect(await planForReal(artifactKind, desired, shell, { inside })).toEqual([]);
    await look(
      place,
      'cp -p /etc/skerry.conf /etc/x; printf "TEXT\\n" >/etc/skerry.conf; touch -r /etc/x /etc/skerry.conf',
    );
    const parsed = artifactKind.schema.parse(desired);
    expect((await runFragment(shell, artifactKind.probe(parsed), { inside })).code).toBe(1);
    expect((await observe(artifactKind, desired, shell, place))[1]?.sha256).toBe(sha256('TEXT\n'));
    expect(await planForReal(artifactKind, desired, shell, place)).toMatchObject([
      { subject: '/etc/skerry.conf', action: 'update' },
    ]);
  });

  it('with another digest are refused, and what was there stays', async () => {
    await using place = await namespace();
    await look(place, 'mkdir /etc/skerry-bin; echo old >/etc/skerry-bin/one');
    await bring(place, 'something else', sha256(program));
    const one = artifactKind.schema.parse({ ...desired, files: desired.files.slice(0, 1) });
    const changes = await planForReal(artifactKind, one, shell, place);
    const { code, stderr } = await runFragment(shell, artifactKind.converge(one, changes), place);
    expect(code).toBe(1);
    expect(stderr).toContain(`has the digest ${sha256('something else')}, not ${sha256(program)}`);
    expect(await look(place, 'cat /etc/skerry-bin/one; ls -A /etc/skerry-bin')).toBe('old\none\n');
    const again = await runFragment(shell, artifactKind.converge(one, changes), place);
    expect(again.stderr).toContain('does not lie in /var/lib/skerry/bundle');
  });

  it('get back their permissions without being sent again', async () => {
    await using place = await namespace();
    await bring(place, program);
    await bring(place, 'text\n');
    await convergeForReal(artifactKind, desired, shell, place);
    await look(place, 'chmod 600 /etc/skerry-bin/one');
    const changes = await convergeForReal(artifactKind, desired, shell, place);
    expect(changes).toEqual([
      {
        subject: '/etc/skerry-bin/one (permissions)',
        action: 'update',
        before: '0600 root:root',
        after: '0755 root:root',
      },
    ]);
    expect(artifactKind.converge(artifactKind.schema.parse(desired), changes).artifacts).toEqual(
      [],
    );
  });
});
