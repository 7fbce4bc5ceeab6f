"""How ``attest enroll`` judges the certificate of an endorsement key: by digest, roots, or both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attest.cli.enrolment_files import file_octets
from attest.cli.terminal import give_up
from attest.enrolment.certificate import VerifyEk, chained_to, not_validated, pinned_to
from attest.enrolment.documents import EkValidation


def ek_judge(pins: tuple[bytes, ...], roots: str | None, at: datetime) -> VerifyEk:
    """Return what judges the certificate of an endorsement key.

    Args:
        pins: SHA-256 of certificates that are known; empty where none is.
        roots: PEM file of roots, or None.
        at: Moment by which validity is judged.

    Raises:
        SystemExit: The roots cannot be used.
    """
    by_pin = pinned_to(pins) if pins else None
    if roots is None:
        return by_pin or not_validated
    from attest.certificates.chains import ChainValidator  # noqa: PLC0415 - an extra
    from attest.certificates.extra import MissingExtraError, require_chains  # noqa: PLC0415
    from attest.certificates.model import ChainError  # noqa: PLC0415
    from attest.certificates.roots import load_roots  # noqa: PLC0415

    try:
        require_chains("--ek-roots")
        by_chain = chained_to(ChainValidator(load_roots(file_octets(roots), roots)), at)
    except (ChainError, MissingExtraError) as error:
        give_up(str(error))

    def verify(chain: Sequence[bytes]) -> EkValidation:
        if by_pin is not None:
            by_pin(chain)
        return by_chain(chain)

    return verify
