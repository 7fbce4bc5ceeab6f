"""Every way in which the server can misbehave, by name; chosen when it starts, and then fixed."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from client.demo import answer_lies, evidence_lies, reply_lies
from client.demo.evidence import Attestation, EvidenceSource, Simulated
from client.demo.reply import Reply
from client.demo.seal import Sealing


class Misbehaviour(Struct, frozen=True, kw_only=True):
    """One lie; exactly one of its members after ``says`` is set.

    Attributes:
        says: What it does, for a person.
        key: Changes the PEM of the server's key that is shown.
        rotates: Makes a new server key before the request is opened.
        instead: Answers in place of opening the request; is told the seconds of Retry-After.
        evidence: Makes the attestation: of the id, from the source, or by a software signer.
        completion: Changes the completion.
        plaintext: Changes the octets that are sealed.
        sealing: Changes how they are sealed.
        reply: Changes the finished answer.
    """

    says: str
    key: Callable[[bytes], bytes] | None = None
    rotates: bool = False
    instead: Callable[[int], Reply] | None = None
    evidence: Callable[[str, EvidenceSource, Simulated], Attestation] | None = None
    completion: Callable[[dict[str, object]], dict[str, object]] | None = None
    plaintext: Callable[[bytes], bytes] | None = None
    sealing: Callable[[Sealing], Sealing] | None = None
    reply: Callable[[Reply], Reply] | None = None


_STATUSES = (400, 401, 403, 404, 429, 500, 502, 503, 504)

MISBEHAVIOURS: dict[str, Misbehaviour] = {
    "wrong-pcr": Misbehaviour(
        says="a quote, rightly signed, in which PCR 7 is not golden",
        evidence=evidence_lies.wrong_pcr,
    ),
    "wrong-nonce": Misbehaviour(
        says="qualifying data that belongs to no id", evidence=evidence_lies.wrong_nonce
    ),
    "other-payload": Misbehaviour(
        says="a quote made for another payload id", evidence=evidence_lies.other_payload
    ),
    "no-tpm": Misbehaviour(says="no TPM, whatever the tier", evidence=evidence_lies.no_tpm),
    "forged-signature": Misbehaviour(
        says="a signature with one bit turned", evidence=evidence_lies.forged_signature
    ),
    "foreign-key": Misbehaviour(
        says="another key than the one that signed", evidence=evidence_lies.foreign_key
    ),
    "relabelled-pcrs": Misbehaviour(
        says="PCR 16 and 23 quoted, and shown as 0 and 7", evidence=evidence_lies.relabelled_pcrs
    ),
    "unsafe-clock": Misbehaviour(
        says="a clock that may have gone back", evidence=evidence_lies.unsafe_clock
    ),
    "stripped-quote": Misbehaviour(
        says="evidence without its quote", evidence=evidence_lies.stripped_quote
    ),
    "no-metadata": Misbehaviour(says="no _metadata", completion=answer_lies.no_metadata),
    "metadata-list": Misbehaviour(says="_metadata in a list", completion=answer_lies.metadata_list),
    "no-attestation": Misbehaviour(
        says="no tpm_attestation", completion=answer_lies.no_attestation
    ),
    "tier-downgrade": Misbehaviour(
        says="tier standard, whatever was asked for", completion=answer_lies.tier_downgrade
    ),
    "imitation": Misbehaviour(
        says="members that look like a verdict", completion=answer_lies.imitation
    ),
    "duplicate-member": Misbehaviour(
        says="two members _metadata", plaintext=answer_lies.duplicate_member
    ),
    "not-object": Misbehaviour(says="a sealed list", plaintext=answer_lies.not_object),
    "aes-128": Misbehaviour(says="an AES key of 16 octets", sealing=answer_lies.aes_128),
    "wrong-recipient": Misbehaviour(
        says="sealed to another key than the client's", sealing=answer_lies.wrong_recipient
    ),
    "tampered-tag": Misbehaviour(
        says="one bit of the tag turned", sealing=answer_lies.tampered_tag
    ),
    "weak-server-key": Misbehaviour(
        says="a server key of RSA-1024", key=answer_lies.weak_server_key
    ),
    "not-pem": Misbehaviour(says="a server key that is no PEM", key=answer_lies.not_pem),
    "key-rotation": Misbehaviour(
        says="a new server key: what is sealed to the one before gets 400", rotates=True
    ),
    **{
        f"status-{code}": Misbehaviour(says=f"HTTP {code}", instead=reply_lies.status(code))
        for code in _STATUSES
    },
    "fail-once": Misbehaviour(
        says="HTTP 500 for the first request only", instead=reply_lies.status(500)
    ),
    "redirect": Misbehaviour(says="307 to another path", instead=reply_lies.redirect),
    "junk": Misbehaviour(says="200 with octets that are no JSON", instead=reply_lies.junk),
    "gzip-bomb": Misbehaviour(
        says="1 MiB of gzip that decodes to 1 GiB", instead=reply_lies.gzip_bomb
    ),
    "endless-body": Misbehaviour(
        says="a body far beyond every cap", instead=reply_lies.endless_body
    ),
    "cut-off": Misbehaviour(
        says="a connection closed in the middle of the body", reply=reply_lies.cut_off
    ),
    "server-header-noise": Misbehaviour(
        says="headers that claim things, or are odd", reply=reply_lies.server_header_noise
    ),
}
"""Every misbehaviour by its name on the command line."""

_FIRST_ONLY = frozenset({"fail-once"})
_CHOICE = re.compile(r"([a-z0-9-]+)(?:([@/])([1-9][0-9]{0,8}))?")


class Chosen(Struct, frozen=True):
    """A misbehaviour, and the requests that it is for.

    Attributes:
        name: Its name.
        act: What it does.
        at: The one request that it is for, counted from 1; 0: all that ``every`` says.
        every: It is for each request whose number this divides.
    """

    name: str
    act: Misbehaviour
    at: int = 0
    every: int = 1

    def applies(self, position: int) -> bool:
        """Tell whether it is for a request: its number among those to the same path, from 1."""
        return position == self.at if self.at else position % self.every == 0


def choose(text: str) -> Chosen:
    """Read ``NAME``, ``NAME@N`` (the N-th request only) or ``NAME/N`` (every N-th request).

    Raises:
        ValueError: No such misbehaviour, or no such number.
    """
    parts = _CHOICE.fullmatch(text)
    name = parts[1] if parts else ""
    if parts is None or name not in MISBEHAVIOURS:
        raise ValueError(f"{text!r} is no misbehaviour: NAME, NAME@N or NAME/N, with a known NAME")
    number = int(parts[3] or 1)
    if parts[2] == "@" or (name in _FIRST_ONLY and parts[2] is None):
        return Chosen(name, MISBEHAVIOURS[name], at=number)
    return Chosen(name, MISBEHAVIOURS[name], every=number)
