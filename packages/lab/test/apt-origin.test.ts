import { expect, test } from 'vitest';
import { aptOrigin } from '../src/box/apt-origin.ts';

const deb822 = `Types: deb
# the archive of a company
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: https://other.example/node
Suites: nodistro
Enabled: no
`;

test("the computer's own mirrors are used for any release", () => {
  const origin = aptOrigin([{ name: 'debian.sources', text: deb822 }], '');
  expect(origin.sources('trixie')).toEqual([
    'deb http://mirror.example/debian trixie main',
    'deb http://mirror.example/debian trixie-updates main',
    'deb http://mirror.example/debian-security trixie-security main',
  ]);
});

test('one-line sources with options, and comments', () => {
  const text = `# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://a.example/debian bookworm main contrib
deb https://a.example/security bookworm-security main
`;
  const origin = aptOrigin([{ name: 'sources.list', text }], '');
  expect(origin.sources('bookworm')).toEqual([
    'deb https://a.example/debian bookworm main',
    'deb https://a.example/debian bookworm-updates main',
    'deb https://a.example/security bookworm-security main',
  ]);
});

test("an Ubuntu computer has no Debian: Debian's own mirrors", () => {
  const text = `Types: deb
URIs: http://archive.ubuntu.com/ubuntu
Suites: noble noble-updates

Types: deb
URIs: http://security.ubuntu.com/ubuntu
Suites: noble-security
`;
  const origin = aptOrigin([{ name: 'ubuntu.sources', text }], '');
  expect(origin.sources('trixie')).toEqual([
    'deb http://deb.debian.org/debian trixie main',
    'deb http://deb.debian.org/debian trixie-updates main',
    'deb http://deb.debian.org/debian-security trixie-security main',
  ]);
});

test('proxies and checks are passed on, all other settings stay here', () => {
  const dump = `APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/etc/ca.pem";
Acquire::http::User-Agent "x";
Acquire::Check-Date "false";
Acquire::cdrom::mount "/media/cdrom/";
`;
  expect(aptOrigin([], dump).options).toEqual([
    'Acquire::http::Proxy "http://proxy.example:3128";',
    'Acquire::https::CaInfo "/etc/ca.pem";',
    'Acquire::Check-Date "false";',
  ]);
});
