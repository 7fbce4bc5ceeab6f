"""The line that a refusal of the client prints."""

from collections.abc import Callable

import pytest

from client import SecurityError


def refusal_of(act: Callable[..., object], *given: object) -> str:
    """Call, and return the SecurityError as its one line; fail where nothing is refused."""
    with pytest.raises(SecurityError) as caught:
        act(*given)
    assert type(caught.value) is SecurityError
    return str(caught.value)
