"""Peer: time requests with Python's asyncio (a datagram protocol; asyncio has no streams for datagrams)."""

import asyncio
import time


second = 0
text = b""


def time_of_day():
    # Made once a second, as in all the servers of this section but the textbook's: what is compared is sockets.
    global second, text
    now = int(time.time())
    if now != second:
        second = now
        text = (time.ctime(now) + "\n").encode("ascii")
    return text


class Time(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(time_of_day(), address)


async def main():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Time, local_addr=("127.0.0.1", 0))
    print("listening 127.0.0.1:%d" % transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
