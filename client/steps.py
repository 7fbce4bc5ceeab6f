"""What an exchange asks of the world, step by step: the core yields steps, a driver takes them.

So the protocol is written once, without I/O, and runs under a blocking client and under an event
loop alike. No step raises into the core: what can go wrong is an answer too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from client.errors import ClientError

T = TypeVar("T")


class Fetch(Struct, frozen=True):
    """Send a request; the answer is an ``Answer`` or a ``Lost``.

    Attributes:
        method: GET or POST.
        url: Whole address.
        headers: Headers, as they are sent.
        content: Body.
        most: Octets of the answer's body that are taken; a longer body is a ``Lost``.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes
    most: int


class Wait(Struct, frozen=True):
    """Let some seconds pass; the answer is None."""

    seconds: float


class Compute(Struct, frozen=True):
    """Call what takes time, where it holds up nobody; the answer is what it returns."""

    work: Callable[[], object]


class Alone(Struct, frozen=True):
    """Take the steps of a flight while nobody else does; the answer is what they return."""

    flight: object
    steps: Callable[[], Steps[object]]


Step = Fetch | Wait | Compute | Alone
Steps = Generator[Step, object, T]


class Answer(Struct, frozen=True):
    """What the server answered.

    Attributes:
        status: HTTP status.
        headers: Headers, by name in lower case.
        body: Octets of the body; empty where an error's body was longer than is read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Lost(Struct, frozen=True):
    """Why there is no answer: an APIConnectionError where trying again may help."""

    error: ClientError


def fetched(request: Fetch) -> Steps[Answer | Lost]:
    """Send a request and return what became of it."""
    answer = yield request
    if not isinstance(answer, Answer | Lost):
        raise TypeError(f"a driver answered {type(answer).__name__} to a Fetch")
    return answer


def computed(work: Callable[[], T]) -> Steps[T]:
    """Call what takes time, and return what it returned."""
    return (yield Compute(work))  # type: ignore[return-value]  # a driver returns what work did


def ended(outcome: T) -> Steps[T]:
    """Take no step, and return what is known already."""
    yield from ()
    return outcome


class Flight(Generic[T]):
    """What several ask for at once and one fetches; those who waited get the same outcome.

    An outcome, good or bad, serves whoever was waiting while it came about, and nobody later: who
    comes then starts a flight anew. Keeping a good outcome longer is the owner's business.
    """

    def __init__(self) -> None:
        """Nothing is under way yet."""
        self._landed: list[T] = []
        self._landings = 0

    def join(self, steps: Callable[[], Steps[T]]) -> Steps[T]:
        """Return the outcome of the flight that is under way, or of a new one by these steps."""
        seen = self._landings
        outcome = yield Alone(self, lambda: self._unless_landed(seen, steps))
        return outcome  # type: ignore[return-value]  # a driver returns what the steps did

    def _unless_landed(self, seen: int, steps: Callable[[], Steps[T]]) -> Steps[T]:
        """Fetch, unless somebody did so since the caller began to wait."""
        if self._landings == seen:
            outcome = yield from steps()
            self._landed = [outcome]
            self._landings += 1
        return self._landed[0]
