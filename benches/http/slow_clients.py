"""Clients that are slow, each in one of four ways, as many as told; whoever is closed comes again.

    slow_clients.py HOST PORT KEY_VALUE COUNT
"""

import asyncio
import itertools
import resource
import sys

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
UNREAD = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50


async def silent(reader, writer):
    await reader.read()


async def drip(reader, writer, head):
    writer.write(head)
    while not reader.at_eof():
        await asyncio.sleep(1)
        writer.write(b"a")
        await writer.drain()


async def unread(reader, writer):
    writer.transport.pause_reading()
    while True:
        writer.write(UNREAD)
        await writer.drain()
        await asyncio.sleep(1)


async def main(host, port, value, count):
    body = (
        f"POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {value}\r\n"
        "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
    ).encode()
    ways = [silent, lambda *both: drip(*both, HEAD), lambda *both: drip(*both, body), unread]

    async def forever(way):
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    await way(reader, writer)
                finally:
                    writer.close()
            except OSError:
                await asyncio.sleep(0.1)

    tasks = []
    for way in itertools.islice(itertools.cycle(ways), count):
        tasks.append(asyncio.create_task(forever(way)))
        # Not all in one moment.
        await asyncio.sleep(0.0005)
    print("slow", flush=True)
    await asyncio.gather(*tasks)


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
