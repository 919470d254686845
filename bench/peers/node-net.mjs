// Peer: TCP echo as one writes it with Node's own `node:net`.
//
//   node-net [--burn MS]        --burn works that long for every message that asks for it with its first byte
import { createServer } from 'node:net';

const burning = process.argv[2] === '--burn' ? Number(process.argv[3]) : 0;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (data) => {
    if (burning > 0 && data[0] === 1) for (const end = performance.now() + burning; performance.now() < end; );
    // The usual care about a peer that does not read: stop reading until the rest is out.
    if (!socket.write(data)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening 127.0.0.1:${server.address().port}`);
});
