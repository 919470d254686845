/** What all servers here open their sockets with: where that fails, it tells why in a sentence and not in a stack. */

import { Socket, SystemError } from 'genloop/os';

/** Ends the program with a sentence. */
export function leave(message: string, code = 1): never {
  console.error(message);
  process.exit(code);
}

/** `Socket.listener({ host, port })` for TCP, `Socket.udp({ host, port })` for UDP, or the end of the program. */
export function openSocket(kind: 'TCP' | 'UDP', port: number, host = '127.0.0.1'): Socket {
  try {
    return kind === 'TCP' ? Socket.listener({ host, port }) : Socket.udp({ host, port });
  } catch (error) {
    const code = error instanceof SystemError ? error.code : '';
    const sentences: Record<string, string> = {
      EADDRINUSE: `${kind} port ${port} on ${host} is in use: end the program that has it, or choose another port`,
      EACCES: `${kind} port ${port} is not allowed for this user: choose one above 1023`,
      EADDRNOTAVAIL: `${host} is no address of this machine`,
    };
    return leave(sentences[code] ?? (error as Error).message);
  }
}
