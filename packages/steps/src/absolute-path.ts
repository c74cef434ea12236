import { z } from 'zod';

/** An absolute path in its shortest form: no `.` or `..`, no `//`, no `/` at the end. */
export const absolutePath = z
  .string()
  .startsWith('/', 'a path on a host must be absolute')
  .refine((path) => !/[\0\n]/.test(path), 'a path holds no line break')
  .refine(
    (path) =>
      path === '/' ||
      path
        .slice(1)
        .split('/')
        .every((part) => part !== '' && part !== '.' && part !== '..'),
    'write the path without ".", "..", "//" and without "/" at the end',
  );

/** Permission bits in octal, as chmod takes them; `644` becomes `0644`. */
export const fileMode = z
  .string()
  .regex(/^[0-7]{3,4}$/, 'a mode is three or four octal digits in a string, such as "0644"')
  .transform((mode) => mode.padStart(4, '0'));

/** A user or group by name or by number. */
export const accountName = z
  .union([z.string(), z.int().nonnegative().transform(String)])
  .pipe(
    z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/, 'a user or group: a name or a number'),
  );
