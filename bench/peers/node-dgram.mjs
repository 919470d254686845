// Peer: time requests as one writes them with Node's own `node:dgram`.
import { createSocket } from 'node:dgram';

let second = 0;
let text;

// Made once a second, as in all the servers of this section but the textbook's: what is compared is sockets.
function timeOfDay() {
  const now = Date.now();
  if (now - second >= 1000) {
    second = now - (now % 1000);
    text = Buffer.from(`${new Date(second).toString()}\n`);
  }
  return text;
}

const socket = createSocket('udp4');
socket.on('message', (_request, peer) => {
  socket.send(timeOfDay(), peer.port, peer.address);
});
socket.bind({ address: '127.0.0.1', port: Number(process.argv[2] ?? 0) }, () => {
  console.log(`listening 127.0.0.1:${socket.address().port}`);
});
