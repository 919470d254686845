/**
 * Where in the source a parked task stands, for messages. V8 knows the place at which a generator is suspended and tells
 * it to debuggers only; so we ask as one, from within, when somebody wants to know. It costs nothing until then.
 *
 * Connecting takes some milliseconds (the debugger tells of every script), each question some ten microseconds.
 */

import type { InspectorNotification, Runtime } from 'node:inspector';
import type { Task } from '../kernel/index.ts';
import { Session } from '../platform/node.ts';
import { type Position, type Script, SourceMaps } from './source-maps.ts';
import { isLibrary } from './stack.ts';

/** Under this name the debugger finds the generators, for the moment of the question. */
const HANDLE = '__genloop_located__';
/** What the debugger keeps for us of one question, so that it can be let go. */
const GROUP = 'genloop';

/** The place at which a generator is suspended; of one that runs, where its function begins. */
export interface Place extends Position {
  /** The name of the generator's function; empty if it has none. */
  readonly functionName: string;
  /** Whether it is code of this library. */
  readonly library: boolean;
}

/** Where V8 says that a generator is. */
interface Found {
  scriptId: string;
  lineNumber: number;
  columnNumber: number;
}

/** Asks for the places of tasks, over one connection to the in-process inspector. Close it after use. */
export class Locator implements Disposable {
  private readonly session: Session;
  private readonly scripts = new Map<string, Script>();
  private readonly maps = new SourceMaps();
  /** Names of functions by their text, which the debugger gives unasked; so each function is asked once. */
  private readonly names = new Map<string, string>();

  constructor() {
    this.session = new Session();
    this.session.connect();
    this.session.on('Debugger.scriptParsed', ({ params }: InspectorNotification<ParsedScript>) => {
      const { scriptId, url, sourceMapURL = '' } = params;
      this.scripts.set(scriptId, { url, sourceMapURL });
    });
    this.session.post('Debugger.enable');
  }

  [Symbol.dispose](): void {
    this.session.disconnect();
  }

  /**
   * `file:line` of the innermost frame that the kernel holds and that is not this library's own, or `undefined` where V8
   * does not know, or there is none.
   */
  where(task: Task<unknown>): string | undefined {
    const frames = [...(task.callers ?? []), task.frame].reverse();
    return textOf(this.places(frames).find((place) => place?.library !== true));
  }

  /** `file:line` at which a generator is suspended, or `undefined` where V8 does not know. */
  whereFrame(frame: object): string | undefined {
    return textOf(this.places([frame])[0]);
  }

  /** The places of generators, in their order; `undefined` where V8 does not know. */
  places(frames: readonly object[]): (Place | undefined)[] {
    const places: (Place | undefined)[] = frames.map(() => undefined);
    const globals = globalThis as Record<string, unknown>;
    globals[HANDLE] = frames;
    // In the same thread the answers come inside the calls.
    this.session.post('Runtime.evaluate', { expression: HANDLE, objectGroup: GROUP }, (_error, answer) => {
      this.properties(answer?.result, ({ result }) => {
        for (const { name, value } of result) {
          const index = Number(name);
          if (!Number.isInteger(index)) continue;
          this.properties(value, ({ internalProperties }) => {
            places[index] = this.placeFrom(internalProperties ?? []);
          });
        }
      });
    });
    this.session.post('Runtime.releaseObjectGroup', { objectGroup: GROUP });
    delete globals[HANDLE];
    return places;
  }

  private properties(
    object: Runtime.RemoteObject | undefined,
    take: (properties: Runtime.GetPropertiesReturnType) => void,
  ): void {
    // Of an object there is always one; without it the question has no answer.
    const objectId = object?.objectId as string;
    this.session.post('Runtime.getProperties', { objectId, ownProperties: true }, (_error, properties) => {
      if (properties?.result !== undefined) take(properties);
    });
  }

  private placeFrom(properties: readonly Runtime.InternalPropertyDescriptor[]): Place | undefined {
    const internal = (wanted: string) => properties.find(({ name }) => name === wanted)?.value;
    const found = internal('[[GeneratorLocation]]')?.value as Found | undefined;
    const script = found && this.scripts.get(found.scriptId);
    // Code that belongs to no file (`new Function`) has no name, and no place that helps anybody.
    if (found === undefined || script === undefined || script.url === '') return undefined;
    const functionName = this.nameOf(internal('[[GeneratorFunction]]'));
    const position = this.maps.positionOf(script, found.lineNumber, found.columnNumber);
    return { ...position, functionName, library: isLibrary(script.url) };
  }

  /** What it is called when it is asked, which is not always what its text says: compilers rename. */
  private nameOf(fn: Runtime.RemoteObject | undefined): string {
    // Whatever has a location has a function, and that its text.
    const text = fn?.description as string;
    let name = this.names.get(text);
    if (name === undefined) {
      name = '';
      this.properties(fn, ({ result }) => {
        const value: unknown = result.find((property) => property.name === 'name')?.value?.value;
        if (typeof value === 'string') name = value;
      });
      this.names.set(text, name);
    }
    return name;
  }
}

function textOf(place: Place | undefined): string | undefined {
  return place === undefined ? undefined : `${place.file}:${place.line}`;
}

interface ParsedScript extends Script {
  readonly scriptId: string;
}
