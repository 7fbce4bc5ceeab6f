"""A maker of TPMs: swtpm_setup with a local CA of the test's own, in a folder of the test's own."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.swtpm import DEADLINE, Swtpm, SwtpmError

SETUP: Final = "swtpm_setup"
LOCAL_CA: Final = "swtpm_localca"


class Maker:
    """Makes TPMs with certificates of the same CA in their NV memory."""

    def __init__(self, folder: Path) -> None:
        """Writes the configuration of a CA that is made with the first TPM."""
        self._folder = folder
        self._config = folder / "swtpm_setup.conf"
        ca, options = folder / "localca.conf", folder / "localca.options"
        ca.write_text(
            f"statedir = {folder}\n"
            f"signingkey = {folder}/signkey.pem\n"
            f"issuercert = {folder}/issuercert.pem\n"
            f"certserial = {folder}/certserial\n"
        )
        options.write_text(
            "--platform-manufacturer Example\n--platform-version 1\n--platform-model Model\n"
        )
        self._config.write_text(
            f"create_certs_tool = {shutil.which(LOCAL_CA)}\n"
            f"create_certs_tool_config = {ca}\n"
            f"create_certs_tool_options = {options}\n"
        )

    @property
    def roots(self) -> bytes:
        """The maker's CA certificates in PEM, once the first TPM was made."""
        found = sorted(self._folder.glob("*cert.pem"))
        return b"".join(path.read_bytes() for path in found)

    def tpm(self) -> Swtpm:
        """A TPM with an RSA-2048 and a P-384 endorsement key, and their certificates."""
        return Swtpm(self._manufacture)

    def _manufacture(self, state: Path) -> None:
        command = (
            *(SETUP, "--tpm2", "--tpmstate", str(state), "--config", str(self._config)),
            *("--create-ek-cert", "--create-platform-cert", "--lock-nvram"),
            *("--overwrite", "--pcr-banks", "sha1,sha256"),
        )
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DEADLINE, check=False, env=os.environ
        )
        if done.returncode:
            raise SwtpmError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
