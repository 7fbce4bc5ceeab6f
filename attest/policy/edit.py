"""Baselines put into a policy file whose comments and layout stay; the one room of ruamel.yaml."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from attest.errors import PolicyError
from attest.policy.loader import parse_policy
from attest.policy.model import Baseline
from attest.policy.written import policy_members

if TYPE_CHECKING:
    from ruamel.yaml import YAML

NEEDS = "keeping comments needs: pip install 'tpm-attest[edit]'"


def with_baselines(octets: bytes, path: str, baselines: tuple[Baseline, ...]) -> bytes:
    """Return a policy file with further baselines, one edition later.

    What is written is loaded again, and must be the policy that was there, but for these.

    Args:
        octets: Content of the file.
        path: The file, as errors name it; root files are looked up beside it.
        baselines: What to add after those that are there.

    Raises:
        PolicyError: The file does not load or cannot be edited, a name is there already, or the
            extra is missing.
    """
    before = parse_policy(octets, path)
    serial = 1 if before.serial is None else before.serial + 1
    after = replace(before, serial=serial, baselines=before.baselines + baselines)
    edited = _edited(octets, path, serial, policy_members(replace(after, baselines=baselines)))
    seen = parse_policy(edited, path)
    if replace(seen, sha256=after.sha256) != after:
        raise PolicyError(path, "cannot be edited without changing more than its baselines")
    return edited


def _edited(octets: bytes, path: str, serial: int, members: dict[str, Any]) -> bytes:
    """Change the file's own text as little as may be."""
    yaml = _round_trip(path)
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - an extra

    try:
        document = yaml.load(octets)
        if "serial" in document:
            document["serial"] = serial
        else:
            document.insert(list(document).index("name") + 1, "serial", serial)
        document.setdefault("baselines", []).extend(_quoted(members["baselines"]))
        written = io.BytesIO()
        yaml.dump(document, written)
    except (YAMLError, ValueError) as error:
        raise PolicyError(path, f"cannot be edited: {error}") from error
    return written.getvalue()


def _round_trip(path: str) -> YAML:
    try:
        from ruamel.yaml import YAML  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PolicyError(path, NEEDS) from error
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 2**20
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _quoted(value: Any) -> Any:
    """Make octets quoted hex, as the loader demands."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString  # noqa: PLC0415 - an extra

    if isinstance(value, bytes):
        return DoubleQuotedScalarString(value.hex())
    if isinstance(value, dict):
        return {key: _quoted(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_quoted(below) for below in value]
    return value
