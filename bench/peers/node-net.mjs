// Peer: TCP echo as one writes it with Node's own `node:net`.
import { createServer } from 'node:net';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (data) => {
    // The usual care about a peer that does not read: stop reading until the rest is out.
    if (!socket.write(data)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 4096 }, () => {
  console.log(`listening 127.0.0.1:${server.address().port}`);
});
