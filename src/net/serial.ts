/**
 * A serial line as a stream: raw bytes at a given speed. Opened by its path, and set up by the terminal calls of the system (termios(3)), whose
 * structures differ from system to system in size and order only: a table says how.
 */

import { type Descriptor, open, type Sys, SystemError } from '../os/index.ts';
import { FdStream } from './fd-stream.ts';

/** How a {@link Serial} line is set up. */
export interface SerialOptions {
  /** Data bits in a character. Default: 8. */
  dataBits?: 5 | 6 | 7 | 8;
  /** Default: `'none'`. */
  parity?: 'none' | 'even' | 'odd';
  /** Default: 1. */
  stopBits?: 1 | 2;
  /** Who says when to pause: nobody (the default), the lines RTS and CTS, or the characters XON and XOFF. */
  flow?: 'none' | 'hardware' | 'software';
  /** Whether nobody else can open the line meanwhile (TIOCEXCL). Default: true. */
  exclusive?: boolean;
}

/** Where the fields of `struct termios` are. */
interface Layout {
  readonly get: string;
  readonly set: string;
  readonly size: number;
  /** Bytes of each of the four masks, which come first: input, output, control, local. */
  readonly mask: 4 | 8;
  /** The control characters. */
  readonly characters: number;
  readonly inputSpeed: number;
  readonly outputSpeed: number;
}

const BSD: Layout = {
  get: 'TIOCGETA',
  set: 'TIOCSETA',
  size: 44,
  mask: 4,
  characters: 16,
  inputSpeed: 36,
  outputSpeed: 40,
};
/** `termios2` on Linux, since it takes any speed. Those of other systems are from their headers, not tried. */
const LAYOUTS: Readonly<Record<string, Layout>> = {
  linux: { get: 'TCGETS2', set: 'TCSETS2', size: 44, mask: 4, characters: 17, inputSpeed: 36, outputSpeed: 40 },
  darwin: { get: 'TIOCGETA', set: 'TIOCSETA', size: 72, mask: 8, characters: 32, inputSpeed: 56, outputSpeed: 64 },
  freebsd: BSD,
  netbsd: BSD,
  openbsd: BSD,
};
const NO_ARGUMENT_SIZE = 64;

/**
 * A serial line, or any terminal that shall carry bytes as they are.
 *
 * @example
 * using line = new Serial('/dev/ttyUSB0', 115_200);
 * yield* line.write('AT\r');
 * console.log(yield* failAfter(1000, line.readLine()));
 */
export class Serial extends FdStream {
  /** The path that was opened. */
  readonly path: string;

  /**
   * Opens a line and sets it up. Throws `SystemError` (`ENOENT`, `EACCES`, `EBUSY` where somebody else has it, `ENOTTY` for what is no terminal, `EINVAL` for a speed that
   * it cannot do), `RangeError` and `TypeError` for options.
   *
   * @param speed In bits a second, both ways.
   */
  constructor(path: string, speed: number, options: SerialOptions = {}) {
    if (!Number.isInteger(speed) || speed <= 0) {
      throw new RangeError(`speed must be a positive whole number of bits a second, not ${String(speed)}`);
    }
    super(opened(path, speed, options), 'Serial');
    this.path = path;
  }
}

function opened(path: string, speed: number, options: SerialOptions): Descriptor {
  const descriptor = open(path, 'r+');
  try {
    configure(descriptor, path, speed, options);
    return descriptor;
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

function configure(descriptor: Descriptor, path: string, speed: number, options: SerialOptions): void {
  const { dataBits = 8, parity = 'none', stopBits = 1, flow = 'none', exclusive = true } = options;
  choice('dataBits', dataBits, [5, 6, 7, 8]);
  choice('parity', parity, ['none', 'even', 'odd']);
  choice('stopBits', stopBits, [1, 2]);
  choice('flow', flow, ['none', 'hardware', 'software']);
  const { sys } = descriptor;
  const layout = LAYOUTS[sys.platform];
  if (layout === undefined) throw new TypeError(`serial lines are not known on ${sys.platform}`);
  const names = sys.constants as Record<string, number>;
  const settings = new Settings(layout);
  control(descriptor, path, layout.get, settings.bytes);
  const [input, output, mode, local] = [0, 1, 2, 3];
  // As cfmakeraw(3): bytes as they are, no signals, no echo.
  settings.change(input, all(names, 'IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON IXOFF IXANY INPCK'), 0);
  settings.change(output, all(names, 'OPOST'), 0);
  settings.change(local, all(names, 'ECHO ECHONL ICANON ISIG IEXTEN'), 0);
  // The modem's lines are not waited for.
  settings.change(
    mode,
    all(names, 'CSIZE PARENB PARODD CSTOPB CRTSCTS CBAUD'),
    all(names, `CS${dataBits} CREAD CLOCAL`),
  );
  if (parity !== 'none') settings.change(mode, 0, all(names, parity === 'odd' ? 'PARENB PARODD' : 'PARENB'));
  if (parity !== 'none') settings.change(input, 0, all(names, 'INPCK'));
  if (stopBits === 2) settings.change(mode, 0, all(names, 'CSTOPB'));
  if (flow === 'hardware') settings.change(mode, 0, all(names, 'CRTSCTS'));
  if (flow === 'software') settings.change(input, 0, all(names, 'IXON IXOFF'));
  if (names.BOTHER !== undefined && names.IBSHIFT !== undefined) {
    // "The speed is in its own field", for each direction.
    settings.change(mode, (names.CBAUD as number) << names.IBSHIFT, names.BOTHER | (names.BOTHER << names.IBSHIFT));
  }
  settings.setSpeed(speed);
  // A read gives what there is, from one byte on.
  settings.setCharacter(names.VMIN as number, 1);
  settings.setCharacter(names.VTIME as number, 0);
  control(descriptor, path, layout.set, settings.bytes);
  if (exclusive) control(descriptor, path, 'TIOCEXCL', new Uint8Array(NO_ARGUMENT_SIZE));
}

/** A `struct termios`. */
class Settings {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly layout: Layout;

  constructor(layout: Layout) {
    this.layout = layout;
    this.bytes = new Uint8Array(layout.size);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Takes bits out of a mask, then puts bits in. All of them are in its lower half where it has two. */
  change(mask: number, without: number, bits: number): void {
    const at = mask * this.layout.mask;
    this.view.setUint32(at, (this.view.getUint32(at, LITTLE) & ~without) | bits, LITTLE);
  }

  setSpeed(speed: number): void {
    this.view.setUint32(this.layout.inputSpeed, speed, LITTLE);
    this.view.setUint32(this.layout.outputSpeed, speed, LITTLE);
  }

  setCharacter(index: number, value: number): void {
    this.bytes[this.layout.characters + index] = value;
  }
}

/** The byte order of this machine. */
const LITTLE: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function all(names: Readonly<Record<string, number | undefined>>, wanted: string): number {
  // What a system lacks it does not do either.
  return wanted.split(' ').reduce((mask, name) => mask | (names[name] ?? 0), 0);
}

function control(descriptor: Descriptor, path: string, request: string, argument: Uint8Array): void {
  const { sys }: { sys: Sys } = descriptor;
  const result = sys.ioctl(descriptor.fileno(), sys.constants[request] as number, argument);
  if (result >= 0) return;
  const hint = result === -(sys.constants.ENOTTY as number) ? 'it is no serial line' : undefined;
  throw new SystemError(sys, 'ioctl', result, { fd: descriptor.fd, path, hint });
}

function choice(what: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  throw new TypeError(`${what} must be ${choices.join(', ')}, not ${String(value)}`);
}
