/** Headless Chromium with a page of ours, which posts what it has to say. It is let nowhere but to the loopback. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { RESULT, type Site } from './served.ts';

const NAMES: readonly string[] = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS: readonly string[] = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-sync',
  '--disable-crash-reporter',
  '--disable-breakpad',
  '--disable-features=OptimizationHints,MediaRouter,Translate',
  '--proxy-server=direct://',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];
/** What is shown of what it says when it does not do. */
const LAST_WORDS = 2_000;
/** Its helpers may write into its profile for a moment longer than it lives. */
const REMOVAL = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 } as const;

/** The file of a Chromium, if one is installed. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What a page posted, and the paths that it asked for. */
export interface Visit {
  readonly result: unknown;
  readonly asked: readonly string[];
  /** Those at which there was nothing. */
  readonly missing: readonly string[];
}

/** Opens the page at this path, and waits until it has posted something. Throws if the browser ends before. */
export async function visit(chromium: string, site: Site, path: string): Promise<Visit> {
  const asked: string[] = [];
  const missing: string[] = [];
  let told: (result: unknown) => void = () => {};
  const result = new Promise<unknown>((resolve) => {
    told = resolve;
  });
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    if (request.method === 'POST' && pathname === RESULT) void take(request, response, told);
    else {
      const text = site.get(pathname);
      (text === undefined ? missing : asked).push(pathname);
      if (text === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': typeOf(pathname) }).end(text);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const profile = mkdtempSync(join(tmpdir(), 'genloop-chromium-'));
  const { port } = server.address() as AddressInfo;
  const child = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}${path}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Nothing of ours: what a sanitizer or a debugger puts in front of Node is not for it.
    env: { PATH: process.env.PATH, HOME: profile, LANG: 'C.UTF-8' },
  });
  try {
    return { result: await Promise.race([result, deathOf(child)]), asked, missing };
  } finally {
    await end(child);
    await close(server);
    rmSync(profile, REMOVAL);
  }
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  told: (result: unknown) => void,
): Promise<void> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  response.end();
  told(JSON.parse(text));
}

function typeOf(path: string): string {
  return path.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8';
}

/** Rejects when it ends. */
function deathOf(child: ChildProcess): Promise<never> {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    words = (words + piece).slice(-LAST_WORDS);
  });
  return new Promise((_, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      reject(new Error(`Chromium ended (${code ?? signal}) without a word:\n${words}`)),
    );
  });
}

/** Its helpers end with it. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const closed = once(child, 'close');
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await closed;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
