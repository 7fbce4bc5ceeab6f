"""All that hangs on an exception as the garbage collector sees it, down to closed-over values.

``leaks`` follows what an error reporter prints; this follows every reference: attributes, closures,
bound arguments, generators and coroutines that still wait, and the locals of all frames.
"""

from __future__ import annotations

import base64
import gc
from collections.abc import Iterator
from pathlib import Path
from types import (
    AsyncGeneratorType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    ModuleType,
    TracebackType,
)
from typing import Any, Final

import msgspec

MOST: Final = 400_000
"""Objects that are followed; a walk that needs more fails rather than ends."""
TESTS: Final = str(Path(__file__).resolve().parent.parent)


def leaking(error: BaseException, *secrets: str, beyond: tuple[object, ...] = ()) -> list[str]:
    """Name the way to every secret that can be reached: raw, in hexadecimal or in base64.

    Args:
        error: Where to begin.
        secrets: What must not be found.
        beyond: Objects that are not followed, such as the caller's client.
    """
    forms = [form for secret in secrets for form in _forms(secret.encode())]
    return [
        f"{way}: {octets[:80]!r}"
        for way, octets in _texts(error, beyond)
        if any(form in octets for form in forms)
    ]


def _forms(secret: bytes) -> Iterator[bytes]:
    """The secret, and what it looks like inside a longer text that was encoded."""
    yield secret
    yield secret.hex().encode()
    for shift in range(3):
        shifted = base64.b64encode(bytes(shift) + secret)
        yield shifted[4 if shift else 0 : -4]


def _texts(error: BaseException, beyond: tuple[object, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield every text and octet string, with the types on the way to it."""
    seen = {id(one): one for one in beyond}  # kept, so that no id is given twice
    waiting: list[tuple[str, Any]] = [("", error)]
    while waiting:
        way, one = waiting.pop()
        if id(one) in seen or _is_foreign(one):
            continue
        seen[id(one)] = one
        assert len(seen) < MOST, f"no end in sight: {way}"
        if isinstance(one, str):
            yield way, one.encode("utf-8", "replace")
        elif isinstance(one, (bytes, bytearray, memoryview)):
            yield way, bytes(one)
        else:
            step = f"{way}/{type(one).__name__}"
            waiting += [(step, inner) for inner in _inside(one)]


def _is_foreign(one: object) -> bool:
    """Tell what belongs to no exception: modules, types, and what is the test's own."""
    if isinstance(one, (ModuleType, type)) or type(one).__module__.startswith("tests."):
        return True
    if isinstance(one, FunctionType):
        return one.__code__.co_filename.startswith(TESTS)
    return isinstance(one, FrameType) and one.f_code.co_filename.startswith(TESTS)


def _inside(one: Any) -> list[object]:  # noqa: PLR0911 - a return for each kind of container
    """What an object refers to."""
    if isinstance(one, BaseException):
        notes = getattr(one, "__notes__", None)
        tied = (one.__cause__, one.__context__, one.__traceback__)
        return [str(one), repr(one), one.args, vars(one), notes, *tied, *gc.get_referents(one)]
    if isinstance(one, TracebackType):
        return [one.tb_frame, one.tb_next]
    if isinstance(one, FrameType):
        return [dict(one.f_locals)]
    if isinstance(one, GeneratorType):
        return [one.gi_frame, one.gi_yieldfrom]
    if isinstance(one, CoroutineType):
        return [one.cr_frame, one.cr_await]
    if isinstance(one, AsyncGeneratorType):
        return [one.ag_frame, one.ag_await]
    if isinstance(one, FunctionType):
        return [one.__closure__, one.__defaults__, one.__kwdefaults__]
    if isinstance(one, msgspec.Struct):
        return [getattr(one, name) for name in one.__struct_fields__]
    return gc.get_referents(one)
