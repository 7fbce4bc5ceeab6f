"""Where attest and the TCG stack read octets differently: every class, and who is right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests import build
from tests.aik import ALG, ecc_aik, rsa_aik, rsa_signature, sized
from tests.peers.readings import CERTIFY, ECC, ECDSA, QUOTE, RSA, RSAPSS, RSASSA, Reading

OURS, THEIRS = "attest", "tpm2-pytss"
BOTH = "both"
HASH_SIZES: Final = {0x04: 20, 0x0B: 32, 0x0C: 48, 0x0D: 64, 0x27: 32, 0x28: 48, 0x29: 64}
"""The hashes that attest computes, and the octets of their digests."""

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A class of octets that one reader takes and the other refuses.

    Attributes:
        name: What is special about the octets.
        kind: ``quote``, ``signature`` or ``public``.
        accepts: The reader that takes them.
        place: Where attest refuses them, as its error says it; empty where it takes them.
        shows: Tells the class by what the accepting reader read.
        right: Who reads the specification right.
        rule: Why, by TPM 2.0 Library Part 2.
        example: Octets of the class.
    """

    name: str
    kind: str
    accepts: str
    place: str
    shows: Callable[[Reading, Fields], bool]
    right: str
    rule: str
    example: Callable[[], bytes]

    def explains(self, ours: Reading, theirs: Reading) -> bool:
        """Tell whether two readings differ in this way."""
        taken, other = (ours, theirs) if self.accepts == OURS else (theirs, ours)
        if taken.fields is None or other.fields is not None:
            return False
        return ours.fault.startswith(self.place) and self.shows(taken, taken.fields)


def explanations(kind: str, ours: Reading, theirs: Reading) -> list[str]:
    """The names of all classes that explain how two readings differ."""
    return [one.name for one in TABLE if one.kind == kind and one.explains(ours, theirs)]


def _left_over(reading: Reading, fields: Fields) -> bool:
    return reading.left > 0


def _no_digest(reading: Reading, fields: Fields) -> bool:
    size = HASH_SIZES.get(fields["name_alg"])
    return len(fields["auth_policy"]) not in (0, size)


TRAILING: Final = (
    "a structure ends where its last field ends; unmarshal tells its caller how many octets it "
    "took, and attest, being that caller, refuses what is left"
)

KEYED_HASH: Final = sized(b"\x00\x08\x00\x0b\x00\x05\x00\x72\0\0\x00\x10\0\0")

TABLE: Final = (
    Difference(
        "octets after a TPMS_ATTEST",
        *("quote", THEIRS, "TPMS_ATTEST.end", _left_over, BOTH, TRAILING),
        lambda: build.quote(rsa_aik(), build.VALUES, trailing=b"\0"),
    ),
    Difference(
        "octets after a TPMT_SIGNATURE",
        *("signature", THEIRS, "TPMT_SIGNATURE.end", _left_over, BOTH, TRAILING),
        lambda: rsa_aik().sign(b"") + b"\0",
    ),
    Difference(
        "octets after a TPMT_PUBLIC, counted by the size before it",
        *("public", THEIRS, "TPMT_PUBLIC.end", _left_over, BOTH, TRAILING),
        lambda: _framed_with_one_more(rsa_aik().public()),
    ),
    Difference(
        "a TPM2B_PUBLIC whose size is not that of what follows",
        *("public", THEIRS, "TPM2B_PUBLIC.size"),
        lambda reading, fields: fields["frame"] != 0,
        OURS,
        "12.2.5: size is the size of publicArea; here the peer is given the area without it",
        lambda: ecc_aik().public(size=1),
    ),
    Difference(
        "clockInfo.safe beyond 0 and 1",
        *("quote", THEIRS, "TPMS_ATTEST.clockInfo.safe"),
        lambda reading, fields: fields["clock"][3] > 1,
        OURS,
        "9.2: TPMI_YES_NO is NO (0) or YES (1), anything else is TPM_RC_VALUE",
        lambda: build.quote(rsa_aik(), build.VALUES, safe=2),
    ),
    Difference(
        "a PCR bitmap of no octets",
        *("quote", THEIRS, "TPMS_ATTEST.pcrSelect["),
        lambda reading, fields: 0 in fields["sizes"],
        OURS,
        "10.6.2: sizeofSelect is at least PCR_SELECT_MIN, anything less is TPM_RC_VALUE",
        lambda: build.quote(rsa_aik(), build.VALUES, selection=[("sha256", b"")]),
    ),
    Difference(
        "an attestation other than a quote and a certification",
        *("quote", OURS, ""),
        lambda reading, fields: fields["type"] not in (QUOTE, CERTIFY),
        BOTH,
        "10.12.8: type selects the body; attest does not look into bodies of other types, so the "
        "malformed and the unknown ones parse too, and quote.type refuses all of them by name",
        lambda: build.quote(rsa_aik(), build.VALUES, type=0x8001),
    ),
    Difference(
        "a signature other than RSASSA, RSAPSS and ECDSA",
        *("signature", OURS, ""),
        lambda reading, fields: fields["scheme"] not in (RSASSA, RSAPSS, ECDSA),
        BOTH,
        "11.3.4: sigAlg selects the signature; attest reads no other scheme than these three, and "
        "quote.signature and aik.scheme refuse the others by name",
        lambda: rsa_signature(bytes(256), scheme="rsaes"),
    ),
    Difference(
        "a key that is neither RSA nor ECC",
        *("public", THEIRS, "TPMT_PUBLIC.type"),
        lambda reading, fields: fields["type"] not in (RSA, ECC),
        BOTH,
        "12.2.2: KEYEDHASH and SYMCIPHER are objects too, and none of them can sign a quote for "
        "somebody who holds its public area only",
        lambda: KEYED_HASH,
    ),
    Difference(
        "a nameAlg that is no hash",
        *("public", THEIRS, "TPMT_PUBLIC.nameAlg"),
        lambda reading, fields: fields["name_alg"] not in HASH_SIZES,
        OURS,
        "12.2.4: nameAlg is TPMI_ALG_HASH; TPM_ALG_NULL is allowed, but such a key has no Name "
        "that a qualifiedSigner could be computed from",
        lambda: rsa_aik().public(name_alg=0x0099),
    ),
    Difference(
        "an authPolicy that is no digest of the nameAlg",
        *("public", THEIRS, "TPMT_PUBLIC.authPolicy", _no_digest),
        OURS,
        "12.2.4: authPolicy is a digest by nameAlg, or the Empty Buffer",
        lambda: rsa_aik().public(auth_policy=b"\x01" * 31),
    ),
    Difference(
        "a symmetric algorithm in a key that signs",
        *("public", THEIRS, "TPMT_PUBLIC.symmetric"),
        lambda reading, fields: fields["symmetric"] != ALG["null"],
        OURS,
        "12.2.3.5 and 12.2.3.6: for a key that is not a restricted decryption key, symmetric shall "
        "be TPM_ALG_NULL",
        lambda: rsa_aik().public(symmetric=b"\x00\x06\x00\x80\x00\x43"),
    ),
    Difference(
        "a key derivation in an ECC key",
        *("public", THEIRS, "TPMT_PUBLIC.kdf"),
        lambda reading, fields: fields["kdf"] != ALG["null"],
        OURS,
        "12.2.3.6: no command uses kdf, and the reference code wants TPM_ALG_NULL there",
        lambda: ecc_aik().public(kdf=b"\x00\x20\x00\x0b"),
    ),
)
"""Every class of difference; one that is not here fails the comparison."""


def _framed_with_one_more(public: bytes) -> bytes:
    return sized(public[2:] + b"\0")
