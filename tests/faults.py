"""The line that a refusal prints, so that a test compares place and fault in one."""

from collections.abc import Callable, Iterable

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


def truncations(octets: bytes) -> list[bytes]:
    """Every proper prefix, the empty one first."""
    return [octets[:length] for length in range(len(octets))]
