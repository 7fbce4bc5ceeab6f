"""The gated chat completion: what is verified is released, everything else is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import httpx

from attest.archive import Archive
from attest.policy.model import Policy, PolicySet
from client.address import DEFAULT_URL, read_address
from client.correspondent import Correspondent
from client.faces import AsyncFace, SyncFace
from client.gate import Gate, Place
from client.keyring import Keyring
from client.preflight import Preflight
from client.request import completion_payload, encode_payload, read_asked, read_authorization
from client.response import AttestedResponse, fault_of, settled
from client.steps import Steps, ended
from client.telemetry import warn_of_missing_pins


class Conversation(Correspondent):
    """What both faces share: a server, a gate, the caller's defaults, and no I/O."""

    def __init__(  # noqa: PLR0913 - NOMYO's arguments, and what the gate needs
        self,
        base_url: str = DEFAULT_URL,
        allow_http: bool = False,
        api_key: str | None = None,
        secure_memory: bool = True,
        *,
        policy: Policy | PolicySet | Place,
        mode: str = "enforce",
        archive: Archive | Place | None = None,
        preflight: str = "first",
        preflight_ttl: float = 60.0,
        continuity: str = "warn",
        server_key_pins: Sequence[str] = (),
        max_retries: int = 2,
        key_dir: Place | None = None,
        http_client: httpx.AsyncClient | httpx.Client | None = None,
    ) -> None:
        """Prepare; nothing is sent, and the client's own key is made when it is first needed.

        Args:
            base_url: The server.
            allow_http: Whether http may go to another machine than this one.
            api_key: Sent as a bearer token, by https or to this machine only.
            secure_memory: Whether secrets that can be overwritten are, after their use.
            policy: A policy or policy set, or its path. It must compare the payload id.
            mode: ``enforce``; or ``audit``, which releases what it would refuse, records that, and
                needs ``archive``.
            archive: Evidence archive, or its path: each decision is durable there before content is
                released.
            preflight: When a harmless probe is verified before a prompt leaves: ``off``, ``first``,
                ``ttl`` or ``always``.
            preflight_ttl: Seconds that a probe counts under ``ttl``.
            continuity: ``warn`` or ``require``: what becomes of an answer from another state than
                its probe's.
            server_key_pins: SHA-256 of the SubjectPublicKeyInfo of each server key that is trusted,
                in hex; empty trusts whatever key the server shows.
            max_retries: How often an attempt is made again after 429, 500, 502, 503, 504 or a
                broken connection.
            key_dir: Directory that keeps the client's own key; None keeps it in memory alone.
            http_client: The caller's own client, for proxies, authorities and timeouts; it stays
                the caller's to close.

        Raises:
            PolicyError: The policy does not load, or does not compare the payload id.
            SecurityError: The address is none, or http without ``allow_http``.
            EvidenceWriteError: The archive cannot be written.
            ValueError: Another argument that cannot be used.
            TypeError: An argument of another type.
        """
        address = read_address(base_url, allow_http=allow_http)
        read_authorization(address, api_key)
        self._api_key = api_key
        kept = None if key_dir is None else os.fspath(key_dir)
        keyring = Keyring(address, pins=server_key_pins, key_dir=kept)
        super().__init__(address, keyring, secure_memory=secure_memory, max_retries=max_retries)
        self._gate = Gate(policy, mode=mode, archive=archive, continuity=continuity)
        self._preflight = Preflight(self._exchange, self._gate, mode=preflight, ttl=preflight_ttl)
        self._open(http_client)
        if not server_key_pins:
            warn_of_missing_pins()

    @property
    def policy(self) -> Policy | PolicySet:
        """The policy in force."""
        return self._gate.policy

    def reload_policy(self, policy: Policy | PolicySet | Place | None = None) -> None:
        """Judge by another policy from now on; where it cannot be used, the old one stays.

        Args:
            policy: As at the start; None reads the same file or directory anew.

        Raises:
            PolicyError: It does not load, or does not compare the payload id.
            EvidenceWriteError: It cannot be kept beside the archive.
        """
        self._gate.reload_policy(policy)

    def _steps(self, model: str, messages: object, options: dict[str, Any]) -> Steps[object]:
        """Look at a request, and return the steps to its outcome.

        A request that cannot be sent ends in the exception that says why: raised here, it would
        hold the messages in its frames.
        """
        try:
            security_tier = options.pop("security_tier", None)
            api_key = options.pop("api_key", None)
            key = self._api_key if api_key is None else api_key
            asked = read_asked(self._address, key, security_tier, model=model)
            plaintext = encode_payload(completion_payload(model, messages, options))
        except (ValueError, TypeError) as error:
            return ended(fault_of(error))
        clear = partial(self._preflight.clear, asked)
        steps = self._exchange.ask(plaintext, asked, self._gate.decide, clear)
        return self._wiped(steps, plaintext)


class SecureChatCompletion(AsyncFace, Conversation):
    """The gated client, for an event loop: NOMYO's ``SecureChatCompletion`` with a policy.

    It may be used by many tasks at once, and in one loop after the other.
    """

    async def create(
        self, model: str, messages: Sequence[Mapping[str, Any]], **options: Any
    ) -> AttestedResponse:
        """Ask for a chat completion, and return it where the server's hardware was verified.

        Args:
            model: Name of the model.
            messages: Messages in the OpenAI shape.
            options: ``security_tier`` (standard, high, maximum) and ``api_key`` for this request;
                whatever else there is goes to the model. ``base_url`` and ``stream`` are refused.

        Returns:
            The completion, a dict in the OpenAI shape; ``.attestation`` is what was verified.

        Raises:
            AttestationRefused: It was not; nothing of the answer can be reached from this.
            EvidenceWriteError: The decision could not be recorded; nothing is released.
            SecurityError: What came is no sealed answer to this client, or no key of the server.
            APIError: The server answered with an error, by NOMYO's classes.
            APIConnectionError: The server could not be reached.
            ValueError: A request that cannot be sent; nothing was.
            TypeError: Likewise, by type.
        """
        steps = self._steps(model, messages, options)
        del model, messages, options  # an exception keeps the locals of its frames
        outcome = await self._endpoint.run(steps)
        return settled(outcome, AttestedResponse)

    acreate = create


class SyncSecureChatCompletion(SyncFace, Conversation):
    """The gated client that blocks; it needs no event loop, and works inside one too.

    It may be used by many threads at once.
    """

    def create(
        self, model: str, messages: Sequence[Mapping[str, Any]], **options: Any
    ) -> AttestedResponse:
        """Ask for a chat completion, as ``SecureChatCompletion.create`` does."""
        steps = self._steps(model, messages, options)
        del model, messages, options  # an exception keeps the locals of its frames
        outcome = self._endpoint.run(steps)
        return settled(outcome, AttestedResponse)
