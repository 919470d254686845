"""Clients of an echo server, each a function: python3 echo_client.py HOST PORT NAME... Prints `NAME: fine` for each, or fails."""

import os
import select
import socket
import struct
import sys
import threading

HOST = sys.argv[1]
PORT = int(sys.argv[2])


def connect():
    return socket.create_connection((HOST, PORT), timeout=30)


def receive(client, count):
    received = b""
    while len(received) < count:
        data = client.recv(65536)
        assert data, f"the server closed after {len(received)} of {count} bytes"
        received += data
    return received


def several():
    """Twenty clients at once, in turn and each with its own bytes."""
    clients = [connect() for _ in range(20)]
    for round in range(5):
        messages = [os.urandom(1 + 700 * n) for n in range(len(clients))]
        for client, message in zip(clients, messages):
            client.sendall(message)
        for client, message in reversed(list(zip(clients, messages))):
            assert receive(client, len(message)) == message, f"wrong bytes in round {round}"
    for client in clients:
        client.close()


def reset():
    """Clients that vanish with a reset, with their echo unread, leave the others unharmed."""
    witness = connect()
    for _ in range(10):
        victim = connect()
        victim.sendall(b"x" * 100_000)
        receive(victim, 1)
        victim.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        victim.close()
        witness.sendall(b"still here?")
        assert receive(witness, 11) == b"still here?"
    witness.close()


def half_close():
    """What was sent before the half-close comes back, and then the end."""
    client = connect()
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    received = b""
    while data := client.recv(65536):
        received += data
    assert received == b"last words", received


def slow():
    """A client that sends all it has before it reads, and then reads little by little: more than the buffers between them hold."""
    client = socket.socket(socket.AF_INET6 if ":" in HOST else socket.AF_INET)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect((HOST, PORT))
    # A receive buffer grows to 32 MiB on some kernels, a send buffer to 4 MiB.
    message = os.urandom(1 << 20) * 64
    # Nothing is read until the kernel and the server take no more.
    client.setblocking(False)
    sent = 0
    while sent < len(message) and select.select([], [client], [], 0.5)[1]:
        sent += client.send(message[sent : sent + 65536])
    assert sent < len(message), "the server read on while nobody took its answers"
    client.settimeout(60)
    sender = threading.Thread(target=lambda: client.sendall(message[sent:]))
    sender.start()
    received = bytearray()
    while len(received) < len(message):
        data = client.recv(1000 if len(received) < 1 << 20 else 65536)
        assert data, "the server closed"
        received += data
    sender.join()
    assert received == message, "wrong bytes"
    client.close()


def crowd():
    """Two hundred clients at once; each is served in the end, whatever the server's limit of open files."""
    waiting = {}
    for n in range(200):
        client = connect()
        client.sendall(b"%06d" % n)
        waiting[client] = b"%06d" % n
    while waiting:
        ready = select.select(list(waiting), [], [], 30)[0]
        assert ready, f"{len(waiting)} clients were never served"
        for client in ready:
            assert receive(client, 6) == waiting.pop(client)
            client.close()


def stay():
    """Says when it is served, and stays until the server ends the connection."""
    client = connect()
    client.sendall(b"x")
    receive(client, 1)
    print("served", flush=True)
    assert client.recv(1) == b"", "more bytes than were sent"


for name in sys.argv[3:]:
    globals()[name]()
    print(f"{name}: fine", flush=True)
