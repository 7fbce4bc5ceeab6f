"""Whatever an error reporter could read from an exception, walked to its end."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

import msgspec


def reachable(error: BaseException) -> Iterator[object]:
    """Yield all that hangs on an exception: text, args, attributes, causes, frames' locals.

    The outermost frame is the test's own, which holds the secrets itself.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        yield from (str(one), repr(one), *one.args, vars(one), getattr(one, "__notes__", ()))
        for frame in _frames(one.__traceback__, outermost=one is error):
            yield dict(frame.f_locals)


def _frames(traceback: TracebackType | None, *, outermost: bool) -> Iterator[FrameType]:
    """Yield the frames of a traceback, without the test's own."""
    if outermost and traceback is not None:
        traceback = traceback.tb_next
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def leaked(error: BaseException, *secrets: bytes) -> list[str]:
    """Name every secret that can be reached from an exception: raw, in hex or in base64."""
    found = []
    for value in _leaves(list(reachable(error))):
        octets = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
        for secret in secrets:
            forms = (secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"="))
            if any(form in octets for form in forms):
                found.append(repr(value)[:200])
    return found


def held(error: BaseException, wanted: object) -> bool:
    """Tell whether an object itself, such as a key, can be reached from an exception."""
    return any(value is wanted for value in _leaves(list(reachable(error))))


def _leaves(value: Any) -> Iterator[object]:
    """Yield a value and what it contains."""
    if isinstance(value, (bytearray, memoryview)):
        yield bytes(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(name)
            yield from _leaves(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, msgspec.Struct):
        yield from _leaves(msgspec.structs.asdict(value))
    else:
        yield value
