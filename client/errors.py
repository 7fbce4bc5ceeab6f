"""The exceptions of the client, by NOMYO's names: one tree, under that of attest."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from attest.archive import Phase
from attest.document import read_document
from attest.errors import AttestError, MalformedError
from attest.result import AttestationResult
from attest.text import shown

MAX_ERROR_BODY = 64 * 1024
"""Octets of an error's body that are read; a longer one is as good as none."""


class ClientError(AttestError):
    """Whatever the client itself reports; a caller may catch this one class."""


class APIConnectionError(ClientError):
    """The server could not be reached, or the connection broke."""


class SecurityError(ClientError):
    """What came, or what lies on disk, cannot be trusted: an envelope, a key, a key's file."""


class UnsupportedClient(ClientError):  # noqa: N818 - public API
    """A client that cannot be wrapped: it has not the parts of the version that is known."""


class AttestationRefused(ClientError):  # noqa: N818 - a decision by name, and public API
    """The gate refused: the server's hardware could not be verified, and nothing is released.

    It is no APIError, no OSError and no TimeoutError, so that nothing which retries on those sends
    the prompt again. It holds what was judged and never what was answered.

    Attributes:
        result: The attestation result; ``result.refusals`` says why.
        phase: ``preflight`` before a prompt was sent, or ``response``.
        prompt_sent: Whether the server has the prompt.
    """

    def __init__(self, result: AttestationResult, phase: Phase, prompt_sent: bool) -> None:
        """Keep the result; the text names each check that refused, with its reason."""
        reasons = "; ".join(f"{check.id}: {check.reason}" for check in result.refusals)
        super().__init__(f"attestation refused: {reasons}")
        self.result = result
        self.phase = phase
        self.prompt_sent = prompt_sent

    def __reduce__(self) -> tuple[type[AttestationRefused], tuple[object, ...], dict[str, Any]]:
        """Copy and pickle by what it was made of, notes included."""
        return type(self), (self.result, self.phase, self.prompt_sent), vars(self)


class APIError(ClientError):
    """The server answered with an HTTP status that is no success.

    Attributes:
        message: What went wrong, in one line.
        status_code: The HTTP status; None where there was none.
        error_details: The JSON object that the server sent; None where it sent none.
    """

    usual_status: ClassVar[int | None] = None

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        error_details: dict[str, Any] | None = None,
    ) -> None:
        """Keep what the server said; a subclass knows its usual status."""
        super().__init__(message)
        self.message = message
        self.status_code = self.usual_status if status_code is None else status_code
        self.error_details = error_details


class InvalidRequestError(APIError):
    """HTTP 400: the request is at fault."""

    usual_status = 400


class AuthenticationError(APIError):
    """HTTP 401: the API key is missing, or not known."""

    usual_status = 401


class ForbiddenError(APIError):
    """HTTP 403: the API key does not permit this."""

    usual_status = 403


class RateLimitError(APIError):
    """HTTP 429: too many requests."""

    usual_status = 429


class ServerError(APIError):
    """HTTP 500: the server failed."""

    usual_status = 500


class ServiceUnavailableError(APIError):
    """HTTP 503: no machine can answer, such as none of the tier that was asked for."""

    usual_status = 503


_BY_STATUS: dict[int | None, type[APIError]] = {
    kind.usual_status: kind
    for kind in (
        InvalidRequestError,
        AuthenticationError,
        ForbiddenError,
        RateLimitError,
        ServerError,
        ServiceUnavailableError,
    )
}


def api_error(status: int, body: bytes) -> APIError:
    """Return the exception for a status and a body of any form: JSON, text, or nothing at all.

    Args:
        status: HTTP status of the answer.
        body: Its octets; whatever is no JSON object of at most MAX_ERROR_BODY octets says nothing.
    """
    details = _details(body)
    said = _words(details) or _phrase(status)
    kind = _BY_STATUS.get(status, APIError)
    return kind(f"HTTP {status}: {said}", status, details)


def _details(body: bytes) -> dict[str, Any] | None:
    """Read the JSON object of an error's body, if it is one."""
    if not body or len(body) > MAX_ERROR_BODY:
        return None
    try:
        return read_document(body)
    except MalformedError:
        return None


def _words(details: Mapping[str, Any] | None) -> str | None:
    """Find the server's own words: ``detail``, ``message``, ``error`` or ``error.message``."""
    if details is None:
        return None
    error = details.get("error")
    inner = error.get("message") if isinstance(error, dict) else error
    for words in (details.get("detail"), details.get("message"), inner):
        if isinstance(words, str) and words.strip():
            return shown(words)
    return None


def _phrase(status: int) -> str:
    """Name a status as RFC 9110 does."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "not a status that is known"
