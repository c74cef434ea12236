import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Builds a package without files by dpkg-deb: its fields of control, and the bytes of its file. */
export function debianPackage(about: {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends?: string | undefined;
}): { readonly control: string; readonly bytes: Buffer } {
  const control = [
    `Package: ${about.name}`,
    `Version: ${about.version}`,
    `Architecture: ${about.architecture}`,
    'Maintainer: Skerry <test@skerry.invalid>',
    ...(about.depends === undefined ? [] : [`Depends: ${about.depends}`]),
    'Description: a package without files',
    '',
  ].join('\n');
  const scratch = mkdtempSync(join(tmpdir(), 'skerry-package-'));
  try {
    mkdirSync(join(scratch, 'package/DEBIAN'), { recursive: true });
    writeFileSync(join(scratch, 'package/DEBIAN/control'), control);
    const words = ['--build', join(scratch, 'package'), join(scratch, 'package.deb')];
    execFileSync('dpkg-deb', words, { stdio: 'pipe' });
    return { control, bytes: readFileSync(join(scratch, 'package.deb')) };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
