/**
 * From a place in a script to the place in its source. Node keeps source maps only where it was told to when the script
 * was loaded (`--enable-source-maps`, tsx); for all others the map is looked for now, where the script says that it is.
 */

import type { SourceMapPayload } from 'node:module';
import { Buffer, fileURLToPath, findSourceMap, readFileSync, SourceMap } from '../platform/node.ts';

/** A script, as the debugger describes it. */
export interface Script {
  readonly url: string;
  /** What its comment `sourceMappingURL` says; empty if there is none. */
  readonly sourceMapURL: string;
}

/** A position in a file. `line` and `column` count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The source maps of some scripts, each read once. */
export class SourceMaps {
  private readonly maps = new Map<Script, SourceMap | undefined>();

  /** The source's position for one of the script, whose line and column count from 0. Without a map it is the script's own. */
  positionOf(script: Script, line: number, column: number): Position {
    if (!this.maps.has(script)) this.maps.set(script, findSourceMap(script.url) ?? readMap(script));
    const entry = this.maps.get(script)?.findEntry(line, column);
    if (entry === undefined || !('originalSource' in entry)) {
      return { file: pathOf(script.url), line: line + 1, column: column + 1 };
    }
    return { file: pathOf(entry.originalSource), line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  }
}

function readMap({ url, sourceMapURL }: Script): SourceMap | undefined {
  if (sourceMapURL === '') return undefined;
  try {
    const base = new URL(sourceMapURL, url);
    const payload = JSON.parse(textOf(base)) as SourceMapPayload;
    const root = payload.sourceRoot ? new URL(`${payload.sourceRoot.replace(/\/$/, '')}/`, base) : base;
    // A map inside its script speaks of places near the script.
    const from = root.protocol === 'data:' ? url : root;
    const sources = payload.sources.map((source) => new URL(source, from).href);
    return new SourceMap({ ...payload, sources, sourceRoot: '' });
  } catch {
    // Not there, or not readable: the place in the script is better than none.
    return undefined;
  }
}

function textOf(url: URL): string {
  if (url.protocol !== 'data:') return readFileSync(fileURLToPath(url), 'utf8');
  const comma = url.pathname.indexOf(',');
  const text = url.pathname.slice(comma + 1);
  return url.pathname.slice(0, comma).endsWith(';base64')
    ? Buffer.from(text, 'base64').toString()
    : decodeURIComponent(text);
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url;
}
