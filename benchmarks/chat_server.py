"""The server that the measured clients ask, until standard input ends: honest, and cheap.

``python -m benchmarks.chat_server`` prints its address. It opens no request: what costs it less
leaves more of the measured time to the clients.
"""

import asyncio
import sys

from tests.client.crowd import listening
from tests.client.serving import answered


async def main() -> None:
    """Serve until the parent has measured."""
    async with listening(answered()) as server:
        print(server.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
