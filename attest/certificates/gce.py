"""Google Compute Engine's extension 1.3.6.1.4.1.11129.2.1.21: which machine a vTPM belongs to."""

from __future__ import annotations

from typing import Any, ClassVar

from asn1crypto import core

from attest.certificates.model import GceInstance

OID = "1.3.6.1.4.1.11129.2.1.21"

_MOST_CHARACTERS = 256
_MOST = 2**64 - 1


class _SecurityProperties(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    """Version, production, and flags of confidential computing that nobody documents."""

    _fields: ClassVar[list[Any]] = [
        ("security_version", core.Integer, {"explicit": 0, "optional": True}),
        ("is_production", core.Boolean, {"explicit": 1, "optional": True}),
        ("flag_2", core.Boolean, {"explicit": 2, "optional": True}),
        ("flag_3", core.Boolean, {"explicit": 3, "optional": True}),
        ("flag_4", core.Boolean, {"explicit": 4, "optional": True}),
        ("flag_5", core.Boolean, {"explicit": 5, "optional": True}),
    ]


class _InstanceInfo(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    _fields: ClassVar[list[Any]] = [
        ("zone", core.UTF8String),
        ("project_number", core.Integer),
        ("project_id", core.UTF8String),
        ("instance_id", core.Integer),
        ("instance_name", core.UTF8String),
        ("security_properties", _SecurityProperties, {"explicit": 0, "optional": True}),
    ]


def read_gce_instance(octets: bytes) -> GceInstance:
    """Decode the extension's value.

    Raises:
        ValueError: The octets are not exactly this structure in DER, or a text or number in it is
            empty, too long, not printable or not positive.
    """
    info = _InstanceInfo.load(octets, strict=True)
    values = info.native
    if info.copy().dump(force=True) != octets:
        raise ValueError("is no DER")
    security = values["security_properties"] or {}
    return GceInstance(
        zone=_word(values, "zone"),
        project_number=_number(values, "project_number"),
        project_id=_word(values, "project_id"),
        instance_id=_number(values, "instance_id"),
        instance_name=_word(values, "instance_name"),
        production=security.get("is_production") is True,
    )


def _word(values: dict[str, Any], field: str) -> str:
    word: str = values[field]
    if not 0 < len(word) <= _MOST_CHARACTERS or not word.isprintable():
        raise ValueError(f"{field} is no name")
    return word


def _number(values: dict[str, Any], field: str) -> int:
    number: int = values[field]
    if not 0 < number <= _MOST:
        raise ValueError(f"{field} is no number of 64 bits")
    return number
