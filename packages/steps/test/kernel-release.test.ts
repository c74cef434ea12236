import { expect, it } from 'vitest';
import { compareReleases } from '../src/index.ts';
import { spanSeconds } from '../src/gate-rules.ts';
import { newerKernel } from '../src/kernel-release.ts';

it('orders kernels by their numbers', () => {
  const ascending = [
    '5.4.0-150-generic',
    '5.10',
    '5.10.1',
    '5.14.0-427.13.1.el9_4.x86_64',
    '5.14.0-503.11.1.el9_5.x86_64',
    '6.1.0-9-amd64',
    '6.1.0-28-amd64',
    '6.12.9+deb13-amd64',
    '6.12.48+deb13-amd64',
  ];
  expect(ascending.toReversed().toSorted(compareReleases)).toEqual(ascending);
  expect(compareReleases('5.10', '5.10')).toBe(0);
});

it('finds a newer kernel of the same flavour only, and only where the running one is installed', () => {
  const debian = ['6.1.0-9-cloud-amd64', '6.1.0-28-amd64', '6.1.0-10-cloud-amd64'];
  expect(newerKernel('6.1.0-9-cloud-amd64', debian)).toBe('6.1.0-10-cloud-amd64');
  expect(newerKernel('6.1.0-28-amd64', debian)).toBeUndefined();
  expect(newerKernel('6.1.0-8-amd64', debian)).toBeUndefined();
  const backport = ['6.12.9+deb12-amd64', '6.12.48+deb12-amd64'];
  expect(newerKernel('6.12.9+deb12-amd64', backport)).toBe('6.12.48+deb12-amd64');
  const redhat = ['5.14.0-427.el9.x86_64', '5.14.0-503.el9.x86_64+debug', '5.14.0-503.el9.x86_64'];
  expect(newerKernel('5.14.0-427.el9.x86_64', redhat)).toBe('5.14.0-503.el9.x86_64');
});

it('reads spans as systemd and chrony print them', () => {
  expect(spanSeconds('0.000012s')).toBeCloseTo(0.000012);
  expect(spanSeconds('1min 2.5s')).toBe(62.5);
  expect(spanSeconds('12.5ms')).toBeCloseTo(0.0125);
  expect(spanSeconds('3fortnights')).toBe(Infinity);
});
