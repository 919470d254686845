/**
 * Where in the source a parked task stands, for messages. V8 knows the place at which a generator is suspended and tells
 * it to debuggers only; so we ask as one, from within, when somebody wants to know. It costs nothing until then.
 */

import { Session } from 'node:inspector';
import { findSourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Task } from '../kernel/index.ts';

/** Under this name the debugger finds the generator, for the moment of the question. */
const HANDLE = '__genloop_located__';

interface Place {
  scriptId: string;
  lineNumber: number;
  columnNumber: number;
}

/** Asks for the places of tasks, over one connection to the in-process inspector. Close it after use. */
export class Locator implements Disposable {
  private readonly session: Session;
  private readonly urls = new Map<string, string>();

  constructor() {
    this.session = new Session();
    this.session.connect();
    this.session.on('Debugger.scriptParsed', ({ params }) => this.urls.set(params.scriptId, params.url));
    this.session.post('Debugger.enable');
  }

  [Symbol.dispose](): void {
    this.session.disconnect();
  }

  /** `file:line` of the innermost frame that the kernel holds, or `undefined` where V8 does not know. */
  where(task: Task<unknown>): string | undefined {
    return this.whereFrame(task.frame);
  }

  /** `file:line` at which a generator is suspended, or `undefined` where V8 does not know. */
  whereFrame(frame: object): string | undefined {
    const place = this.placeOf(frame);
    const url = place && this.urls.get(place.scriptId);
    // Code that belongs to no file (`new Function`) has no name, and no place that helps anybody.
    if (place === undefined || url === undefined || url === '') return undefined;
    const entry = findSourceMap(url)?.findEntry(place.lineNumber, place.columnNumber);
    // Without a source map the place is already the source's.
    if (entry === undefined || !('originalSource' in entry)) return `${pathOf(url)}:${place.lineNumber + 1}`;
    return `${pathOf(entry.originalSource)}:${entry.originalLine + 1}`;
  }

  private placeOf(generator: object): Place | undefined {
    const globals = globalThis as Record<string, unknown>;
    globals[HANDLE] = generator;
    let place: Place | undefined;
    // In the same thread the answers come inside the call.
    this.session.post('Runtime.evaluate', { expression: HANDLE }, (_error, answer) => {
      // Of an object there is always one; with another answer the next question has none.
      const objectId = answer?.result?.objectId as string;
      this.session.post('Runtime.getProperties', { objectId, ownProperties: true }, (_error, properties) => {
        const location = properties?.internalProperties?.find(({ name }) => name === '[[GeneratorLocation]]');
        place = location?.value?.value as Place | undefined;
      });
    });
    delete globals[HANDLE];
    return place;
  }
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url;
}
