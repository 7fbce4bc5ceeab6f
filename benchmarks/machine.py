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
NOMYO_PYTHON: Final = ROOT / ".venv/nomyo/bin/python"
PACKAGES: Final = ("tpm-attest", "cryptography", "httpx", "msgspec", "tpm2-pytss")
VERSIONS: Final = (
    "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
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
    keylime, of_keylime = _versions(KEYLIME_PYTHON, "keylime", "cryptography")
    nomyo, of_nomyo, httpx = _versions(NOMYO_PYTHON, "nomyo", "cryptography", "httpx")
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
        "keylime": f"{keylime}, with cryptography {of_keylime}",
        "nomyo": f"{nomyo}, with cryptography {of_nomyo}, httpx {httpx}",
        "tpm2-tools": tool[1] if tool else "unknown",
    }


def _versions(python: Path, *packages: str) -> list[str]:
    """The versions of packages in another environment."""
    return _said(str(python), "-c", VERSIONS, *packages).split()


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
