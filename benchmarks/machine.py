"""What was measured on: the processor and the versions, and nothing else of the machine."""

import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
KEYLIME_PYTHON: Final = ROOT / ".venv/keylime/bin/python"
PACKAGES: Final = ("tpm-attest", "cryptography", "msgspec", "tpm2-pytss")
VERSIONS_OF_KEYLIME: Final = (
    "from importlib.metadata import version as v; print(v('keylime'), v('cryptography'))"
)


def processor() -> str:
    """The model name of the processor."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def slug() -> str:
    """The processor as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", processor().lower()).strip("-")


def described() -> dict[str, str]:
    """Processor, Python and the versions of all that is compared."""
    keylime, cryptography = _said(str(KEYLIME_PYTHON), "-c", VERSIONS_OF_KEYLIME).split()
    tool = re.search(r'version="([^"]+)"', _said("tpm2_checkquote", "--version"))
    return {
        "processor": processor(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "openssl of cryptography": _said(
            sys.executable,
            "-c",
            "from cryptography.hazmat.backends.openssl import backend as b;"
            "print(b.openssl_version_text())",
        ).strip(),
        "keylime": f"{keylime}, with cryptography {cryptography}",
        "tpm2-tools": tool[1] if tool else "unknown",
    }


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
