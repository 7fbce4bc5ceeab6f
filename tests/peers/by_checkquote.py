"""tpm2_checkquote as a verifier: files in, exit code out."""

import itertools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final

from tests.peers import needs
from tests.peers.cases import Case
from tests.peers.pcrfile import pcr_file

TOOL: Final = shutil.which("tpm2_checkquote")
DEADLINE: Final = 20.0
AT_ONCE: Final = 2

needs.need(TOOL, "tpm2_checkquote")


@cache
def version() -> tuple[int, ...]:
    """The version of the tool."""
    told = subprocess.run([str(TOOL), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r'version="(\d+)\.(\d+)', told.stdout)
    assert found is not None, told.stdout
    return tuple(map(int, found.groups()))


def verdicts(cases: Iterable[Case]) -> list[bool]:
    """Tell of each case whether the tool accepts it."""
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(AT_ONCE) as pool:
        folders = (Path(place, str(number)) for number in itertools.count())
        return list(pool.map(accepts, cases, folders))


def accepts(case: Case, folder: Path) -> bool:
    """Run the tool in a folder of its own."""
    folder.mkdir()
    files = {
        "-u": ("public", case.public),
        "-m": ("quote", case.quote),
        "-s": ("signature", case.signature),
        "-f": ("pcrs", pcr_file(case.values)),
    }
    command = [str(TOOL), "-q", case.nonce.hex()]
    for option, (name, octets) in files.items():
        (folder / name).write_bytes(octets)
        command += [option, name]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=DEADLINE, check=False)
    return done.returncode == 0
