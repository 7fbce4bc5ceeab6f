"""What is mutated, which tests are meant for it, and the copy of the checkout to do it in."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent.parent
COPY: Final = ROOT / "build" / "mutate"
"""Both tools change files in place, so they work on a copy."""

FOREIGN: Final = ("tests/live", "tests/peers")
"""Tests that need a TPM or other verifiers: never run on a mutant."""

CHECKED: Final = tuple(sorted(path.stem for path in (ROOT / "attest/checks").glob("[a-z]*.py")))
TPM: Final = tuple(sorted(path.stem for path in (ROOT / "attest/tpm").glob("[a-z]*.py")))

FROZEN: Final = "tests/test_frozen.py"

TESTS: Final[dict[str, tuple[str, ...]]] = {
    **{f"attest/tpm/{name}.py": (f"tests/tpm/test_{name}.py", FROZEN) for name in TPM},
    **{f"attest/checks/{name}.py": (f"tests/checks/test_{name}.py",) for name in CHECKED},
    "attest/tpm/attestation.py": (
        "tests/tpm/test_attestation.py",
        "tests/tpm/test_framing.py",
        FROZEN,
    ),
    "attest/checks/__init__.py": ("tests/test_verify.py",),
    "attest/checks/trust.py": (
        "tests/checks/test_trust.py",
        "tests/checks/test_trust_endorsed.py",
        "tests/checks/test_chain.py",
    ),
    "attest/checks/crosscheck.py": (
        "tests/checks/test_crosscheck.py",
        "tests/peers/test_cross_check.py",
    ),
    "attest/attesting.py": tuple(
        f"tests/checks/test_{name}.py"
        for name in ("attributes", "certify", "kind", "magic", "scheme", "signer", "strength")
    ),
    "attest/crypto.py": ("tests/test_crypto.py", "tests/test_crypto_signature.py", FROZEN),
    "attest/roca.py": ("tests/test_roca.py",),
    "attest/verify.py": (
        "tests/test_verify.py",
        "tests/test_policy_sets.py",
        "tests/test_result.py",
        *(f"tests/checks/test_{name}.py" for name in ("nonce", "rules", "scope", "tier")),
        "tests/checks/test_validity.py",
        "tests/checks/test_crosscheck.py",
    ),
}
"""Modules that are mutated, each with the tests that are meant for it."""

RUN_ON_IMPORT: Final = ("attest/checks/__init__.py", "attest/roca.py")
"""Modules with functions that run on import, before mutmut puts mutants in their place."""


class Mutant(NamedTuple):
    """A module with one change.

    Attributes:
        module: The module.
        outcome: ``killed``, ``survived`` or ``timeout``.
        diff: The change.
        command: What makes the change in the copy.
    """

    module: str
    outcome: str
    diff: str
    command: tuple[str, ...]


def make_copy() -> None:
    """Copy the checkout as it stands, without what git ignores."""
    shutil.rmtree(COPY, ignore_errors=True)
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, COPY / name)


def run(command: Sequence[str], *, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a tool in the copy; what it said is shown where it must not fail, and did."""
    done = subprocess.run(command, cwd=COPY, capture_output=True, text=True, check=False)
    if done.returncode and not may_fail:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
        sys.exit(f"mutate: failed: {' '.join(command)}")
    return done


def pytest(tests: Sequence[str]) -> tuple[str, ...]:
    """The command that runs tests until the first that fails."""
    ignored = (f"--ignore={folder}" for folder in FOREIGN)
    options = ("-x", "-q", "-p", "no:cacheprovider", *ignored)
    return (sys.executable, "-B", "-m", "pytest", *options, *tests)
