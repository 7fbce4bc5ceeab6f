"""Signed policies: a policy file in a DSSE envelope, of which only the octets inside are read.

SHA-256 of a signed policy is that of the octets inside, so a result names the same policy whether
it was signed or not, and two signatures over it make no two policies.
"""

from __future__ import annotations

import os
from pathlib import Path

from attest.envelope import is_envelope, unverified_payload, verified_payload
from attest.errors import MalformedError, PolicyError, SigningError
from attest.policy import files

PAYLOAD_TYPE = "application/vnd.tpm-attest.policy+yaml"
"""Media type of the octets in the envelope: a policy file as it is."""

_GIVEN_AS_OCTETS = "verify_key"


def read_key(key: str | os.PathLike[str] | bytes) -> bytes:
    """Return a public key in PEM, which is read once and then held by its octets.

    Args:
        key: The octets, or the path of the file that has them.

    Raises:
        PolicyError: The file cannot be read, or there is no key to verify with.
    """
    from attest.signing import verifying_key  # noqa: PLC0415 - for signed policies alone

    place = _GIVEN_AS_OCTETS if isinstance(key, bytes) else os.fspath(key)
    octets = key if isinstance(key, bytes) else _read(place)
    try:
        verifying_key(octets, place)
    except SigningError as error:
        raise PolicyError(error.place, error.fault) from error
    return octets


def policy_octets(octets: bytes, path: str, verify_key: bytes | None) -> bytes:
    """Return the octets of a policy: those of an envelope that verifies, or of a plain file.

    Args:
        octets: Content of the file.
        path: The file, as errors name it.
        verify_key: Public key in PEM that must have signed; None: the file must not be signed.

    Raises:
        PolicyError: A key is asked for and the file is not signed, or not by it; or none is, and
            the file is signed.
    """
    if verify_key is None:
        if is_envelope(octets):
            raise PolicyError(path, "is signed: name the key to verify it with (--policy-key)")
        return octets
    if not is_envelope(octets):
        raise PolicyError(path, f"is not signed: expected a DSSE envelope of {PAYLOAD_TYPE}")
    from attest.signing import verifying_key  # noqa: PLC0415 - for signed policies alone

    try:
        key = verifying_key(verify_key, _GIVEN_AS_OCTETS)
        return verified_payload(octets, PAYLOAD_TYPE, key)
    except (MalformedError, SigningError) as error:
        raise PolicyError(path, str(error)) from error


def judged_octets(octets: bytes) -> bytes:
    """Return what SHA-256 of a policy's file is made of, signed or not; nothing is verified."""
    return unverified_payload(octets) if is_envelope(octets) else octets


def _read(place: str) -> bytes:
    from attest.signing import MAX_FILE  # noqa: PLC0415 - for signed policies alone

    try:
        with Path(place).open("rb") as stream:
            return stream.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise PolicyError(place, f"cannot be read: {files.reason(error)}") from error
