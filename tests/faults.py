"""The line that a refusal prints, so that a test compares place and fault in one."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from attest import MalformedError


def fault_of(act: Callable[..., object], *given: object) -> str:
    """Call, and return the refusal as its one line; fail where nothing is refused."""
    with pytest.raises(MalformedError) as caught:
        act(*given)
    return str(caught.value)


def accepted_of(parse: Callable[[bytes], object], inputs: Iterable[bytes]) -> list[bytes]:
    """Return the inputs that a parser does not refuse; any other exception passes through."""
    accepted = []
    for octets in inputs:
        try:
            parse(octets)
        except MalformedError:
            continue
        accepted.append(octets)
    return accepted


def differing(
    glance: Callable[[bytes], object | None],
    careful: Callable[[bytes], object],
    inputs: Iterable[bytes],
) -> list[bytes]:
    """Return the inputs that a glance answers otherwise than the careful reading, or alone."""
    return [octets for octets in inputs if glance(octets) not in (None, _read(careful, octets))]


def _read(parse: Callable[[bytes], object], octets: bytes) -> object:
    try:
        return parse(octets)
    except MalformedError as error:
        return error


def one_octet_changed(octets: bytes, count: int) -> Iterator[bytes]:
    """Every change of one octet to any other, among the first ``count``."""
    for place in range(count):
        for value in range(256):
            yield octets[:place] + bytes([value]) + octets[place + 1 :]


def truncations(octets: bytes) -> list[bytes]:
    """Every proper prefix, the empty one first."""
    return [octets[:length] for length in range(len(octets))]
