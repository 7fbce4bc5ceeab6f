"""keylime as a verifier: its ``tpm_util.checkquote``, run in an environment of its own."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attest import MalformedError, crypto
from attest.tpm.public import parse_public
from tests.peers import needs
from tests.peers.cases import Case
from tests.peers.pcrfile import pcr_file

ROOT: Final = Path(__file__).parent.parent.parent
PYTHON: Final = ROOT / ".venv/keylime/bin/python"
WORKER: Final = Path(__file__).parent / "keylime_worker.py"
DEADLINE: Final = 300.0
HASHES: Final = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
"""The hashes that it knows."""

needs.need(PYTHON.exists(), "keylime in .venv/keylime")


def verdicts(cases: Iterable[Case]) -> list[str | None]:
    """Tell of each case what keylime says against it, or None."""
    done = subprocess.run(
        [PYTHON, WORKER],
        input="".join(json.dumps(question(case)) + "\n" for case in cases),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def question(case: Case) -> dict[str, str]:
    """Write a case as the worker reads it."""
    octets = {
        "nonce": case.nonce,
        "signature": case.signature,
        "quote": case.quote,
        "pcrs": pcr_file(case.values),
    }
    told = {name: value.hex() for name, value in octets.items()}
    return told | {"key": pem(case.public), "hash": HASHES.get(scheme_hash(case), "")}


def scheme_hash(case: Case) -> int:
    """The hash that the signature names."""
    return int.from_bytes(case.signature[2:4], "big")


def pem(public: bytes) -> str:
    """The key as SubjectPublicKeyInfo, the form that keylime takes; empty where it is no key."""
    try:
        key = crypto.build_key(parse_public(public))
    except MalformedError:
        return ""
    if key is None:
        return ""
    return key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
