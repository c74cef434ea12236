import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DiagnosticError, nearest, type Diagnostic } from '@skerry/diagnostics';
import type { Inventory } from './model.ts';
import { parseInventory } from './parse.ts';

/**
 * Reads and checks an inventory file. Throws one DiagnosticError with everything that is wrong in it;
 * nothing is connected to, and no secret is read. With `text` the file is not read: what an editor
 * holds, or a test.
 */
export async function loadInventory(
  path: string,
  options: { readonly text?: string } = {},
): Promise<Inventory> {
  return parseInventory(options.text ?? (await readText(path)), path);
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new DiagnosticError(await readFault(path, error as NodeJS.ErrnoException));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new DiagnosticError(encodingFault(path, bytes));
  }
}

async function readFault(path: string, error: NodeJS.ErrnoException): Promise<Diagnostic> {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    const files = (await readdir(dirname(path)).catch(() => [])).filter((file) =>
      /\.ya?ml$/.test(file),
    );
    const near = nearest(basename(path), files) ?? (files.length === 1 ? files[0] : undefined);
    const fix =
      near !== undefined
        ? `did you mean "${path.slice(0, path.length - basename(path).length)}${near}"?`
        : files.length > 0
          ? `in that folder there is: ${files.slice(0, 10).join(', ')}`
          : 'give the path of an inventory file, like inventory/lab.yaml';
    return {
      code: 'file-not-found',
      severity: 'error',
      what: `there is no inventory at ${path}`,
      fix,
    };
  }
  const isFolder = error.code === 'EISDIR';
  return {
    code: 'file-unreadable',
    severity: 'error',
    what: `the inventory ${path} cannot be read`,
    why: isFolder ? 'it is a folder' : error.message.replace(/,.*/s, ''),
    fix: isFolder ? 'give the path of a file in it' : 'check who owns the file, and its mode',
  };
}

/** Position of the first byte that is no UTF-8: the text before it decodes. */
function encodingFault(path: string, bytes: Buffer): Diagnostic {
  let low = 0;
  let high = bytes.length;
  // The longest prefix that decodes, where an unfinished character at its end is no fault.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (decodes(bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  const before = new TextDecoder().decode(bytes.subarray(0, low)).replace(/\uFFFD$/, '');
  const lines = before.split('\n');
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const byte = bytes[low]?.toString(16).padStart(2, '0') ?? '';
  return {
    code: 'file-not-utf8',
    severity: 'error',
    what: `${path} is not UTF-8`,
    at: { file: path, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 },
    why: utf16
      ? 'it starts with the mark of UTF-16'
      : byte === ''
        ? 'it ends within a character'
        : `the byte 0x${byte} stands where no such byte can`,
    fix: utf16
      ? 'save it as UTF-8'
      : `save it as UTF-8; from Latin-1: iconv -f latin1 -t utf-8 ${path}`,
  };
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
