"""Columns of a row that hold JSON, back as members of a result, in the order that it has them in.

The columns are in RFC 8785 form, which sorts names as text. ``AttestationResult.to_dict`` writes
them in the order of their meaning, and an export is to be what ``attest verify`` writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from attest.certificates.model import GceInstance, TpmPart

_DIFFERENCE: Final = ("bank", "pcr", "quoted", "golden")
_ANCHOR: Final = (
    *("trust", "name", "spki_sha256", "leaf_sha256", "via"),
    *("subject", "issuer", "serial", "root_sha256", "root_subject", "not_before", "not_after"),
    *("tpm", "gce", "identity"),
)
_MACHINE: Final = ("project", "instance")


def checks_of(text: str) -> list[dict[str, str]]:
    """Read the column ``checks``.

    Raises:
        ValueError: It is something else; so too below.
    """
    return msgspec.json.decode(text, type=list[dict[str, str]])


def pcrs_of(text: str | None) -> dict[str, dict[str, str | None]] | None:
    """Read the column ``pcrs``: banks by name, and PCRs by number."""
    if text is None:
        return None
    banks = msgspec.json.decode(text, type=dict[str, dict[int, str | None]])
    return {
        bank: {str(index): value for index, value in sorted(values.items())}
        for bank, values in banks.items()
    }


def differences_of(text: str | None) -> list[dict[str, Any]]:
    """Read the column ``differences``."""
    if text is None:
        return []
    listed = msgspec.json.decode(text, type=list[dict[str, Any]])
    return [_ordered(one, _DIFFERENCE) for one in listed]


def anchor_of(text: str | None) -> dict[str, Any] | None:
    """Read the column ``anchor``."""
    if text is None:
        return None
    anchor = _ordered(msgspec.json.decode(text, type=dict[str, Any]), _ANCHOR)
    _order(anchor, "tpm", TpmPart.__struct_fields__)
    _order(anchor, "gce", GceInstance.__struct_fields__)
    if anchor.get("identity") is not None:
        anchor["identity"] = dict(anchor["identity"])
        _order(anchor["identity"], "gce", _MACHINE)
    return anchor


def _order(whole: dict[str, Any], member: str, names: Sequence[str]) -> None:
    """Put the members of a member in order, where it is there."""
    if whole.get(member) is not None:
        whole[member] = _ordered(whole[member], names)


def _ordered(members: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Put members in the order of these names; any others stand last."""
    known = {name: members[name] for name in names if name in members}
    return {**known, **members}
