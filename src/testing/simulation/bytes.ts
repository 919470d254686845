/** Bytes that wait to be read, in the order in which they came. */

/** A queue of bytes. */
export class ByteQueue {
  private readonly chunks: Uint8Array[] = [];
  private size = 0;

  /** How many there are. */
  get length(): number {
    return this.size;
  }

  /** Adds bytes; they are not copied. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.chunks.push(bytes);
    this.size += bytes.length;
  }

  /** Copies the first bytes, as many as there are and fit. How many. They stay. */
  peek(into: Uint8Array): number {
    let at = 0;
    for (const chunk of this.chunks) {
      if (at === into.length) break;
      const part = chunk.subarray(0, into.length - at);
      into.set(part, at);
      at += part.length;
    }
    return at;
  }

  /** Takes the first bytes away. */
  skip(count: number): void {
    this.size -= count;
    let rest = count;
    while (rest > 0) {
      const first = this.chunks[0] as Uint8Array;
      if (first.length > rest) {
        this.chunks[0] = first.subarray(rest);
        return;
      }
      rest -= first.length;
      this.chunks.shift();
    }
  }

  /** As {@link ByteQueue.peek}, and takes them away. */
  read(into: Uint8Array): number {
    const count = this.peek(into);
    this.skip(count);
    return count;
  }

  /** Forgets all. */
  clear(): void {
    this.chunks.length = 0;
    this.size = 0;
  }
}
