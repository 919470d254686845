// Peer: time requests as one writes them with Node's own `node:dgram`.
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (_request, peer) => {
  socket.send(`${new Date().toString()}\n`, peer.port, peer.address);
});
socket.bind({ address: '127.0.0.1', port: Number(process.argv[2] ?? 0) }, () => {
  console.log(`listening 127.0.0.1:${socket.address().port}`);
});
