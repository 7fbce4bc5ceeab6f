"""What a caller wants quoted, read strictly before any TPM is touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from attest import crypto
from attest.members import parsed_banks
from attest.policy.model import HIERARCHIES, SCHEMES
from attest.text import shown
from attest.tpm.constants import Alg, Handle

_RSA = tuple(name for name, (scheme, _) in SCHEMES.items() if scheme is not Alg.ECDSA)
_ECC = tuple(name for name, (scheme, _) in SCHEMES.items() if scheme is Alg.ECDSA)

Selection = Mapping[str, tuple[int, ...]]
"""PCR numbers by bank, ascending."""


class KeyKind(Struct, frozen=True):
    """A kind of attestation key.

    Attributes:
        octets: Size of its modulus, or of a coordinate of its point.
        schemes: Names of the schemes that it may sign with.
    """

    octets: int
    schemes: tuple[str, ...]


KEYS: dict[str, KeyKind] = {
    "rsa2048": KeyKind(256, _RSA),
    "rsa3072": KeyKind(384, _RSA),
    "ecc-nist-p256": KeyKind(32, _ECC),
    "ecc-nist-p384": KeyKind(48, _ECC),
    "ecc-nist-p521": KeyKind(66, _ECC),
}
"""Attestation keys by name; which of them a TPM can make is its own to say."""


class WantedKey(Struct, frozen=True):
    """An attestation key to be made.

    Attributes:
        hierarchy: Name of the hierarchy under which it is made.
        key: Name of its kind.
        scheme: Name of its signing scheme.
    """

    hierarchy: str
    key: str
    scheme: str

    @property
    def handle(self) -> Handle:
        """The hierarchy under which it is made."""
        return HIERARCHIES[self.hierarchy]

    @property
    def hash(self) -> Alg:
        """The hash of its signing scheme, and so of the PCR digest."""
        return SCHEMES[self.scheme][1]


class Wanted(WantedKey, frozen=True):
    """One quote to be made, by a key of its own.

    Attributes:
        nonce: qualifyingData, 16 octets.
        selection: PCRs by bank, in the order in which the quote digests the banks.
    """

    nonce: bytes
    selection: Selection

    @property
    def banks(self) -> str:
        """The selection in tpm2-tools' spelling: ``sha256:0,7,10+sha1:0``."""
        return "+".join(spelled(bank, indices) for bank, indices in self.selection.items())


def spelled(bank: str, indices: Collection[int]) -> str:
    """Write PCRs of one bank in tpm2-tools' spelling: ``sha256:0,7``."""
    return f"{bank}:{','.join(map(str, indices))}"


def read_wanted(payload_id: str, selection: str, hierarchy: str, key: str, scheme: str) -> Wanted:
    """Read the arguments of a quote.

    Raises:
        TypeError: One that is no text.
        ValueError: One that says nothing, or what no quote can be.
    """
    nonce = _nonce(payload_id)
    selected = _selection(selection)
    read_wanted_key(hierarchy, key, scheme)
    return Wanted(hierarchy, key, scheme, nonce, selected)


def read_wanted_key(hierarchy: str, key: str, scheme: str) -> WantedKey:
    """Read what an attestation key is to be.

    Raises:
        TypeError: One that is no text.
        ValueError: One that is not known, or a scheme that does not fit the key.
    """
    _word("hierarchy", hierarchy, HIERARCHIES)
    _word("key", key, KEYS)
    _word("scheme", scheme, SCHEMES)
    _word(f"scheme of a key {key}", scheme, KEYS[key].schemes)
    return WantedKey(hierarchy, key, scheme)


def _nonce(payload_id: str) -> bytes:
    """Return the nonce of a payload id that ``attest.verify`` could compute too."""
    text = _text("payload_id", payload_id)
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        raise ValueError("payload_id: UTF-8 cannot write it") from None
    if not octets:
        raise ValueError("payload_id: is empty")
    return crypto.payload_nonce(octets)


def _selection(text: str) -> Selection:
    """Read a selection in the spelling of ``pcr_banks``."""
    parsed = parsed_banks(_text("selection", text))
    if parsed is None:
        expected = "banks with PCRs 0 to 23, each once, as in sha256:0,7,10+sha1:0"
        raise ValueError(f'selection: expected {expected}, found "{shown(text)}"')
    return {bank: tuple(sorted(indices)) for bank, indices in parsed.items()}


def _word(name: str, value: str, words: Collection[str]) -> None:
    """Refuse what is none of the words known here."""
    if _text(name, value) not in words:
        raise ValueError(f'{name}: expected one of {", ".join(words)}, found "{shown(value)}"')


def _text(name: str, value: object) -> str:
    """Return a text; refuse what is none."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, found {type(value).__name__}")
    return value
