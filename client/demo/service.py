"""The server without network: requests opened, answered and sealed, and lies told where chosen."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, deque
from typing import Literal
from urllib.parse import unquote_to_bytes

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from attest.policy.model import TIERS
from client.demo.answer import Stamp, completion, read_request
from client.demo.evidence import AikKind, Attestation, EvidenceSource, NoTpm, Simulated
from client.demo.misbehaviour import Chosen, choose
from client.demo.reply import JSON, Reply, fault
from client.demo.seal import Sealing, seal_response
from client.envelope import MAX_PEM, MAX_REQUEST, load_server_key, open_response
from client.errors import SecurityError

KEY_PATH = "/pki/public_key"
COMPLETION_PATH = "/v1/chat/secure_completion"
MAX_SEALED = MAX_REQUEST // 3 * 4 + 64 * 1024
"""Octets of a sealed request: MAX_REQUEST in base64, and what stands around it."""
KEY_BITS = (2048, 3072, 4096)
UUID_VERSION = 4

_MOST_PATHS = 64
_MOST_IDS = 100_000
_PEM = ("Content-Type", "application/x-pem-file")

Tpm = Literal["simulated", "swtpm", "none"]
TPMS: tuple[Tpm, ...] = ("simulated", "swtpm", "none")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is to be; nothing of it can be changed once it runs.

    Attributes:
        tpm: Source of evidence: a software signer, a real swtpm, or a machine without a TPM.
        aik: Kind of the software signer's keys.
        key_bits: Size of the server's RSA key, which is made anew for each server.
        misbehave: Names from MISBEHAVIOURS, each with ``@N`` or ``/N`` or neither (``choose``).
        retry_after: Seconds that 429 and 503 name where they misbehave.
    """

    tpm: Tpm = "simulated"
    aik: AikKind = "ecc"
    key_bits: int = 4096
    misbehave: tuple[str, ...] = ()
    retry_after: int = 1


class Asked(msgspec.Struct, frozen=True):
    """A request as it came.

    Attributes:
        headers: By name in lower case; of a name that stands twice, the first.
        body: Sealed octets.
        position: Its number among the requests to its path, from 1.
    """

    headers: dict[str, str]
    body: bytes
    position: int


class Service:
    """One server: its key, its source of evidence, and what was asked of it.

    Attributes:
        options: How it was started.
        source: Where evidence comes from.
        counts: Requests by method and path, such as ``POST /v1/chat/secure_completion``.
        payload_ids: Ids of completion requests in the order of their arrival, also of those that
            were refused; no prompt is kept, and of ids only the last hundred thousand.
    """

    def __init__(self, options: Options, source: EvidenceSource | None = None) -> None:
        """Make the key, and the source unless one is given.

        Raises:
            ValueError: An option has no meaning.
            SwtpmError: swtpm does not start.
            ImportError: What talks to a TPM is not installed.
        """
        if options.key_bits not in KEY_BITS:
            raise ValueError(f"key_bits: expected one of {', '.join(map(str, KEY_BITS))}")
        self.options = options
        self.counts: Counter[str] = Counter()
        self.payload_ids: deque[str] = deque(maxlen=_MOST_IDS)
        self._chosen = tuple(choose(text) for text in options.misbehave)
        self._forger = Simulated(options.aik)
        self._rotation = threading.Lock()
        self._key = self._new_key()
        self.source = _source(options) if source is None else source

    def count(self, method: str, path: str) -> int:
        """Count a request; return its number among those of its method and path, from 1."""
        name = f"{method} {path}"
        known = name in self.counts or path in (KEY_PATH, COMPLETION_PATH)
        if not known and len(self.counts) >= _MOST_PATHS:
            name = "others"
        self.counts[name] += 1
        return self.counts[name]

    def arrive(self, payload_id: str) -> None:
        """Keep the id of a completion request, whatever it will be answered, if it is one."""
        if _is_uuid4(payload_id):
            self.payload_ids.append(payload_id)

    def public_key(self, position: int) -> Reply:
        """Answer ``GET /pki/public_key``."""
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        for chosen in self._applying(position):
            if chosen.act.key is not None:
                pem = chosen.act.key(pem)
        return Reply(200, pem, (_PEM,))

    def complete(self, asked: Asked) -> Reply:
        """Answer ``POST /v1/chat/secure_completion``; called from several threads."""
        lies = self._applying(asked.position)
        reply = self._instead(lies) or self._answer(asked, lies)
        for chosen in lies:
            if chosen.act.reply is not None:
                reply = chosen.act.reply(reply)
        return reply

    def _instead(self, lies: tuple[Chosen, ...]) -> Reply | None:
        """Return the first answer that is given without opening the request."""
        for chosen in lies:
            if chosen.act.instead is not None:
                return chosen.act.instead(self.options.retry_after)
        return None

    def _answer(self, asked: Asked, lies: tuple[Chosen, ...]) -> Reply:
        """Open the request, and answer it honestly but for the lies."""
        if any(chosen.act.rotates for chosen in lies):
            with self._rotation:
                self._key = self._new_key()
        head = _read_head(asked.headers)
        if isinstance(head, Reply):
            return head
        try:
            plaintext = open_response(asked.body, self._key)
        except SecurityError as error:
            return fault(400, f"request: {str(error).removeprefix('response: ')}")
        request = read_request(plaintext)
        if isinstance(request, str):
            return fault(400, request)
        attestation = self._attestation(head, lies)
        if attestation is None:
            return fault(503, "tier maximum needs a TPM, and this machine has none")
        stamp = Stamp(head.payload_id, head.tier, int(time.time()), self.source.name)
        return self._sealed(completion(request, stamp, attestation), head, stamp, lies)

    def _attestation(self, head: _Head, lies: tuple[Chosen, ...]) -> Attestation | None:
        """Ask the last lie about evidence, or the source; None where the tier cannot be had."""
        for chosen in reversed(lies):
            if chosen.act.evidence is not None:
                return chosen.act.evidence(head.payload_id, self.source, self._forger)
        attestation = self.source.attestation(head.payload_id)
        if not attestation["is_available"] and head.tier == "maximum":
            return None
        return attestation

    def _sealed(
        self, answer: dict[str, object], head: _Head, stamp: Stamp, lies: tuple[Chosen, ...]
    ) -> Reply:
        """Write the completion down, and seal it to the client's key."""
        for chosen in lies:
            if chosen.act.completion is not None:
                answer = chosen.act.completion(answer)
        plaintext = msgspec.json.encode(answer)
        sealing = Sealing(head.client_key)
        for chosen in lies:
            if chosen.act.plaintext is not None:
                plaintext = chosen.act.plaintext(plaintext)
            if chosen.act.sealing is not None:
                sealing = chosen.act.sealing(sealing)
        return Reply(200, seal_response(plaintext, sealing, stamp.processed_at), (JSON,))

    def _applying(self, position: int) -> tuple[Chosen, ...]:
        return tuple(chosen for chosen in self._chosen if chosen.applies(position))

    def _new_key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, self.options.key_bits)


class _Head(msgspec.Struct, frozen=True):
    """What the headers of a completion request say."""

    payload_id: str
    client_key: rsa.RSAPublicKey
    tier: str


def _read_head(headers: dict[str, str]) -> _Head | Reply:
    """Read the headers, or answer what is wrong with them."""
    payload_id = headers.get("x-payload-id", "")
    if not _is_uuid4(payload_id):
        return fault(400, f"X-Payload-ID: expected a UUID of version {UUID_VERSION}")
    quoted = headers.get("x-public-key", "")
    if len(quoted) > MAX_PEM:
        return fault(400, f"X-Public-Key: {len(quoted)} characters exceed {MAX_PEM}")
    try:
        client_key = load_server_key(unquote_to_bytes(quoted))
    except SecurityError as error:
        return fault(400, f"X-Public-Key: {str(error).removeprefix('server key: ')}")
    tier = headers.get("x-security-tier", "standard")
    if tier not in TIERS:
        return fault(400, f"X-Security-Tier: expected one of {', '.join(TIERS)}")
    return _Head(payload_id, client_key, tier)


def _is_uuid4(text: str) -> bool:
    """Tell whether a text is a random UUID in its one spelling (RFC 9562, 4)."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return False
    return parsed.version == UUID_VERSION and str(parsed) == text.lower()


def _source(options: Options) -> EvidenceSource:
    """Start the source of evidence."""
    if options.tpm == "none":
        return NoTpm()
    if options.tpm == "simulated":
        return Simulated(options.aik)
    from client.demo.swtpm import Swtpm  # noqa: PLC0415 - starts processes; seldom asked for

    return Swtpm()
