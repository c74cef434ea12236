import { expect } from 'vitest';
import { sh } from '../../src/index.ts';
import type { Namespace } from './namespace.ts';
import { runFragment } from './run-fragment.ts';

const build = `
set -e
repo=/tmp/skerry-test/repo
rm -rf "$repo" /tmp/skerry-test/gpg
mkdir -p "$repo" && cd "$repo"
for version in 1.0-1 1.1-1; do
  for name in skerry-a skerry-b; do
    mkdir -p build/DEBIAN
    printf '%s\\n' "Package: $name" "Version: $version" 'Architecture: all' 'Maintainer: Skerry <test@skerry.invalid>' \\
      "Description: a package without files" >build/DEBIAN/control
    [ $name = skerry-a ] || echo 'Depends: skerry-a' >>build/DEBIAN/control
    dpkg-deb --build build "$name-$version.deb" >/dev/null
    { cat build/DEBIAN/control
      echo "Filename: ./$name-$version.deb"
      echo "Size: $(stat -c %s "$name-$version.deb")"
      echo "SHA256: $(sha256sum <"$name-$version.deb" | cut -d' ' -f1)"
      echo; } >>Packages
    rm -rf build
  done
done
printf '%s\\n' 'Origin: skerry-test' 'Suite: test' "Date: $(date -Ru)" 'SHA256:' \\
  " $(sha256sum <Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages" >Release
export GNUPGHOME=/tmp/skerry-test/gpg
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key 'Skerry test' ed25519 sign never 2>/dev/null
gpg --batch --quiet --clearsign --output InRelease Release
gpg --armor --export
gpg --with-colons --list-keys 2>/dev/null | sed -n 's/^fpr:*\\([0-9A-F]*\\):.*/fingerprint \\1/p' >&2
gpgconf --kill gpg-agent
`;

/** A signed repository with the packages skerry-a and skerry-b, in the versions 1.0-1 and 1.1-1. */
export async function aptRepository(
  place: Namespace,
): Promise<{ readonly key: string; readonly fingerprint: string; readonly uri: string }> {
  const made = await runFragment('bash', sh(build), place);
  expect(made).toMatchObject({ code: 0 });
  const fingerprint = /^fingerprint (\w+)/m.exec(made.stderr)?.[1] ?? '';
  return { key: made.stdout, fingerprint, uri: 'file:/tmp/skerry-test/repo' };
}
