"""OpenAI's chat completions over the gate: a request's octets in, a status and octets out, no I/O.

Nothing is raised for what a server did: a refusal is an answer with status 424 that says so, for a
client that retries on exceptions would send the prompt again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from attest.document import read_document
from attest.errors import EvidenceWriteError, MalformedError
from client.completion import Conversation
from client.envelope import MAX_REQUEST
from client.errors import APIConnectionError, APIError, AttestationRefused, ClientError
from client.request import read_tier
from client.response import AttestedResponse
from client.steps import Steps

CHAT = "/chat/completions"
STREAMING = ("refuse", "buffer")
REFUSAL = "attestation_refused"
"""Name of a refusal in the body and in the extensions of a response."""
_IN_EACH_CHUNK = ("id", "created", "model", "system_fingerprint", "service_tier")
_TIER = "x-security-tier"
_BEARER = "bearer "
_encode = msgspec.json.Encoder().encode


class Reply(Struct, frozen=True):
    """What a client of OpenAI's interface is answered.

    Attributes:
        status: HTTP status.
        media_type: Kind of the body.
        body: Octets of the body.
        refusal: The refusal that the body tells of, if it is one.
    """

    status: int
    media_type: str
    body: bytes
    refusal: AttestationRefused | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what a response of httpx or httpx2 is made of.

        Whatever is no success must not be asked again.
        """
        headers = {"content-type": self.media_type}
        if self.status != HTTPStatus.OK:
            headers["x-should-retry"] = "false"
        return {
            "status_code": self.status,
            "headers": headers,
            "content": self.body,
            "extensions": {} if self.refusal is None else {REFUSAL: self.refusal},
        }


class ChatCompletions(Conversation):
    """A conversation as OpenAI's clients have it."""

    def __init__(
        self,
        *args: Any,
        stream: str = "refuse",
        security_tier: str | None = None,
        **arguments: Any,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            args: As for ``SecureChatCompletion``.
            stream: What becomes of ``stream=true``: ``refuse``, or ``buffer``, which verifies the
                whole answer before the first chunk.
            security_tier: Tier of requests that name none.
            arguments: As for ``SecureChatCompletion``.
        """
        if stream not in STREAMING:
            raise ValueError(f"stream is {stream!r}, expected {' or '.join(STREAMING)}")
        super().__init__(*args, **arguments)
        self._buffering = stream == "buffer"
        self._tier = read_tier(security_tier)

    def _reply_to(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Steps[Reply]:
        """Answer one request.

        Args:
            method: HTTP method.
            path: Path of the address.
            headers: Headers, by name in lower case. A bearer token is the API key, unless the
                transport has its own; X-Security-Tier is the tier.
            body: Octets of the body.
        """
        if method != "POST" or not path.endswith(CHAT):
            yield from ()
            return _fault(HTTPStatus.NOT_FOUND, "unsupported", f"only POST {CHAT} is gated")
        try:
            options = _options(headers, body)
            options.setdefault("security_tier", self._tier)
            if self._api_key is not None:
                options.pop("api_key", None)
            buffered = self._take_stream(options)
            usage = _take_usage(options, buffered=buffered)
            model, messages = options.pop("model", None), options.pop("messages", None)
            steps = self._steps(model, messages, options)
        except (MalformedError, ValueError, TypeError) as error:
            return _fault(HTTPStatus.BAD_REQUEST, "invalid_request_error", str(error))
        del body, options, messages
        outcome = yield from steps
        if not isinstance(outcome, AttestedResponse):
            return _withheld(outcome)
        if buffered:
            return Reply(HTTPStatus.OK, "text/event-stream", b"".join(_events(outcome, usage)))
        return Reply(HTTPStatus.OK, "application/json", _encode(dict(outcome)))

    def _take_stream(self, options: dict[str, Any]) -> bool:
        """Take ``stream`` out of a request, where it may be answered at the end."""
        if not self._buffering or options.get("stream") is not True:
            return False
        del options["stream"]
        return True


def refusal_of(error: BaseException) -> AttestationRefused | None:
    """Return the refusal behind an error of an OpenAI client, such as ``openai.APIStatusError``.

    None where the error tells of something else.
    """
    extensions = getattr(getattr(error, "response", None), "extensions", {})
    refusal = extensions.get(REFUSAL)
    return refusal if isinstance(refusal, AttestationRefused) else None


def _options(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Read a request: its members, and what stands in headers."""
    if len(body) > MAX_REQUEST:
        raise ValueError(f"request: {len(body)} octets exceed {MAX_REQUEST}")
    try:
        options = read_document(body)
    except MalformedError as error:
        raise ValueError(str(error).replace("response", "request", 1)) from None
    for name in ("base_url", "api_key"):
        if name in options:
            raise ValueError(f"{name}: is no member of a request")
    tier = headers.get(_TIER)
    if tier is not None and options.setdefault("security_tier", tier) != tier:
        raise ValueError("security_tier: body and header ask for two")
    token = headers.get("authorization", "")
    if token.lower().startswith(_BEARER):
        options["api_key"] = token[len(_BEARER) :].strip()
    return options


def _take_usage(options: dict[str, Any], *, buffered: bool) -> bool:
    """Take ``stream_options`` out of a buffered request; tell whether usage is wanted."""
    if not buffered:
        return False
    wanted = options.pop("stream_options", None)
    return isinstance(wanted, dict) and wanted.get("include_usage") is True


def _events(response: AttestedResponse, usage: bool) -> Iterator[bytes]:
    """Write a completion that was verified whole as the events of a stream.

    The first event has whatever else the completion has beside its choices.
    """
    common = {name: response[name] for name in _IN_EACH_CHUNK if name in response}
    common["object"] = "chat.completion.chunk"
    first = {name: value for name, value in response.items() if name not in {"choices", "usage"}}
    choices = response.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            rest = {name: value for name, value in choice.items() if name != "message"}
            opening = rest | _chunk_of(choice, _delta_of(choice.get("message", {})), None)
            yield _event({**first, **common, "choices": [opening]})
            yield _event(
                {**common, "choices": [_chunk_of(choice, {}, choice.get("finish_reason"))]}
            )
            first = {}
    if usage:
        yield _event({**common, "choices": [], "usage": response.get("usage")})
    yield b"data: [DONE]\n\n"


def _delta_of(message: object) -> object:
    """Return a message as the one delta of a stream, in which tool calls bear their index."""
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(calls, list):
        return message
    numbered = [
        {"index": index, **call} if isinstance(call, dict) else call
        for index, call in enumerate(calls)
    ]
    return {**message, "tool_calls": numbered}


def _chunk_of(choice: dict[str, Any], delta: object, finish_reason: object) -> dict[str, Any]:
    """Return the part of a choice that one event has."""
    return {"index": choice.get("index", 0), "delta": delta, "finish_reason": finish_reason}


def _event(data: Mapping[str, Any]) -> bytes:
    return b"data: " + _encode(data) + b"\n\n"


def _withheld(outcome: object) -> Reply:
    """Say why there is no answer."""
    match outcome:
        case AttestationRefused():
            return _refused(outcome)
        case EvidenceWriteError():
            return _fault(HTTPStatus.FAILED_DEPENDENCY, "evidence_write_error", str(outcome))
        case APIConnectionError():
            return _fault(HTTPStatus.BAD_GATEWAY, "api_connection_error", str(outcome))
        case APIError():
            status = outcome.status_code or HTTPStatus.BAD_GATEWAY
            return _fault(status, "api_error", outcome.message)
        case ClientError():
            return _fault(HTTPStatus.BAD_GATEWAY, "security_error", str(outcome))
        case ValueError() | TypeError():
            return _fault(HTTPStatus.BAD_REQUEST, "invalid_request_error", str(outcome))
        case _:
            raise TypeError(f"an exchange ended in {type(outcome).__name__}")


def _refused(refusal: AttestationRefused) -> Reply:
    """Tell of a refusal, with the whole result."""
    body = _error(REFUSAL, str(refusal)) | {
        "attestation": refusal.result.to_dict(),
        "phase": str(refusal.phase),
        "prompt_sent": refusal.prompt_sent,
    }
    return Reply(HTTPStatus.FAILED_DEPENDENCY, "application/json", _encode(body), refusal)


def _fault(status: int, kind: str, message: str) -> Reply:
    """Tell of a fault."""
    return Reply(status, "application/json", _encode(_error(kind, message)))


def _error(kind: str, message: str) -> dict[str, Any]:
    """Return an error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": kind}}
