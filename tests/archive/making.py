"""Archives as tests make them: decisions over honest and forged responses, lines to lie about."""

import functools
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import rfc8785

import attest
from attest.archive import Archive, Decision, Mode, Phase, Verification
from tests import build
from tests.aik import ecc_aik
from tests.judging import AT, octets_of

GENESIS: Final = "0" * 64
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX calls")
KEY: Final = hashlib.sha256(b"server key").hexdigest()


@functools.cache
def response(**lies: int) -> bytes:
    return octets_of(build.response(ecc_aik(), quoted=lies))  # type: ignore[arg-type] # some lies


def policy_file(folder: Path, **members: object) -> Path:
    path = folder / "policy.yaml"
    path.write_text(build.policy_text(build.VALUES, **members), encoding="utf-8")
    return path


def judged(folder: Path, octets: bytes | None = None, **lies: int) -> attest.AttestationResult:
    """The result over a response, under a policy whose file lies in the folder."""
    path = folder / "policy.yaml"
    policy = attest.load_policy(path if path.exists() else policy_file(folder))
    return attest.verify(octets or response(**lies), policy, payload_id=build.PAYLOAD_ID, at=AT)


def decision(folder: Path, **changes: Any) -> Decision:
    """An accepted response that is released, unless told otherwise."""
    told: dict[str, Any] = {
        "mode": Mode.ENFORCE,
        "phase": Phase.RESPONSE,
        "released": True,
        "base_url": "https://server.example/api",
        "requested_tier": "maximum",
        "server_key_sha256": KEY,
        **changes,
    }
    if "result" not in told:
        told["result"] = judged(folder)
    return Decision(**told)


def archive_of(folder: Path, count: int = 5) -> Path:
    """An archive with so many records."""
    path = folder / "evidence.jsonl"
    archive = Archive(path, durable=False)
    one = decision(folder)
    for _ in range(count):
        archive.append(one, at=AT)
    return path


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def written(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def record_of(line: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(line)
    return document


def line_of(record: dict[str, Any]) -> bytes:
    """The line of a record, by a library that is not used for it."""
    return rfc8785.dumps(record) + b"\n"


def hash_of(line: bytes) -> str:
    return hashlib.sha256(line.removesuffix(b"\n")).hexdigest()


def folder_with_policy(folder: Path) -> Path:
    """The folder, with the policy that several processes will load."""
    decision(folder)
    return folder


def places(seen: Verification) -> set[int | None]:
    """Lines at which something is wrong."""
    return {fault.line for fault in seen.faults}


def rechained(records: list[dict[str, Any]]) -> list[bytes]:
    """Write a whole chain anew, as a forger would."""
    lines: list[bytes] = []
    for seq, record in enumerate(records):
        previous = hash_of(lines[-1]) if lines else GENESIS
        lines.append(line_of({**record, "seq": seq, "previous": previous}))
    return lines
