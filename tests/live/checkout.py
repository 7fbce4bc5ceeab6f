"""A checkout of the project to run guides in, as it would be cloned, with a tag and no history."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.cli.calls import ROOT

FOLDERS: Final = ("attest", "client", "policies")
FILES: Final = (
    ".dockerignore",
    ".pre-commit-hooks.yaml",
    "Containerfile",
    "LICENSE",
    "NOTICE",
    "README.md",
    "action.yml",
    "pyproject.toml",
)

# Scripts may not stop to ask, and pip warns of places that it was configured with.
QUIET: Final = {"PIP_QUIET": "2", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def make_checkout(folder: Path) -> Path:
    """Copy what is built and linted, and point to the fixtures, which are only read."""
    folder.mkdir()
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    author = ("-c", "user.name=guide", "-c", "user.email=guide@example.invalid")
    for words in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("add", "."),
        (*author, "commit", "--quiet", "--message", "All of it"),
        ("tag", "v0.1.0"),
    ):
        subprocess.run(["git", *words], cwd=folder, check=True, timeout=60)
    return folder
