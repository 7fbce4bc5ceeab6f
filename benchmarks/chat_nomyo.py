"""One measured process of NOMYO's client, in its own environment: it verifies nothing.

``python -m benchmarks.chat_nomyo URL KEY_FOLDER REQUESTS``
"""

import asyncio
import logging
import sys

import nomyo

from benchmarks.chat_timing import say, timed


def main(url: str, keys: str, requests: str) -> None:
    """Measure, and print the figures."""
    logging.disable()  # to write its warnings of http would cost it time
    chat = nomyo.SecureChatCompletion(url, allow_http=True, key_dir=keys)
    say(asyncio.run(timed(chat.create, int(requests))))


if __name__ == "__main__":
    main(*sys.argv[1:])
