import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Cut off (or silent from then on) after so many bytes, or this status instead. */
type Failure = { readonly after: number; readonly silent?: true } | { readonly status: number };

/** A web server with files, that can be told to fail; and what was asked of it. */
export interface WebServer {
  readonly url: string;
  readonly asked: {
    readonly path: string;
    readonly range: string | undefined;
    readonly status: number;
  }[];
  /** Writes a file to serve; with `sha256`, also its digest under that name. */
  put(path: string, content: Buffer | string, options?: { checksum?: string }): void;
  /** Where a file that is served lies. */
  file(path: string): string;
  /** How the next answer for a path fails, after those that were told before. */
  fail(path: string, how: Failure): void;
  stop(): Promise<void>;
}

export async function startWebServer(folder: string): Promise<WebServer> {
  const failures = new Map<string, Failure[]>();
  const asked: { path: string; range: string | undefined; status: number }[] = [];
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/').slice(1);
    const { range } = request.headers;
    const answer = (
      status: number,
      headers: Record<string, string | number>,
      body?: Buffer,
    ): void => {
      asked.push({ path, range, status });
      response.writeHead(status, headers);
      const failure = failures.get(path)?.shift();
      if (failure === undefined || !('after' in failure) || body === undefined) {
        response.end(body);
        return;
      }
      response.write(body.subarray(0, failure.after));
      if (failure.silent !== true) setTimeout(() => response.destroy(), 250);
    };
    const next = failures.get(path)?.[0];
    if (next !== undefined && 'status' in next) {
      failures.get(path)?.shift();
      return answer(next.status, {});
    }
    const file = join(folder, path);
    if (!existsSync(file) || !statSync(file).isFile()) return answer(404, {});
    const body = readFileSync(file);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (from > 0 && from >= body.length) return answer(416, {});
    if (from === 0) return answer(200, { 'content-length': body.length }, body);
    const headers = {
      'content-length': body.length - from,
      'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
    };
    return answer(206, headers, body.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    put: (path, content, options = {}) => {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      if (options.checksum === undefined) return;
      const sha256 = createHash('sha256').update(content).digest('hex');
      writeFileSync(`${file}${options.checksum}`, `${sha256}  ${path}\n`);
    },
    file: (path) => join(folder, path),
    fail: (path, how) => failures.set(path, [...(failures.get(path) ?? []), how]),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Debian's docker-registry and skopeo: images are only tested where they are installed. */
export const canServeImages = ['docker-registry', 'skopeo'].every((program) =>
  existsSync(`/usr/bin/${program}`),
);

export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly name: string;
  stop(): Promise<void>;
}

/** A real registry on loopback, with its images in `folder`. */
export async function startRegistry(folder: string, port: number): Promise<Registry> {
  const config = join(folder, 'registry.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/images}}\nhttp: {addr: 127.0.0.1:${port}}\n`,
  );
  const child: ChildProcess = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  const name = `127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    const up = await fetch(`http://${name}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) break;
    if (tries > 200 || child.exitCode !== null) throw new Error('docker-registry does not answer');
    await sleep(50);
  }
  return {
    name,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}
