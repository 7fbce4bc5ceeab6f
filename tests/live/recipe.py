"""A Containerfile without an engine: its instructions, run below a folder that stands for /."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.live.checkout import QUIET

ABSOLUTE: Final = re.compile(r"(?<![\w.$-])/(?=\w)")


class Image(msgspec.Struct):
    """What a stage leaves behind.

    Attributes:
        root: Folder that stands for /.
        workdir: Where instructions and the command run.
        base: What FROM names.
        user: Who runs the command.
        entrypoint: The command.
    """

    root: Path
    workdir: Path
    base: str
    user: str = "root"
    entrypoint: list[str] = msgspec.field(default_factory=list)

    def below(self, text: str) -> str:
        """Move every absolute path in a text below the root."""
        return ABSOLUTE.sub(f"{self.root}/", text)

    def run(self, *words: str, workdir: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the image's command with these words, in its folder or what is mounted there."""
        return _called([*self.entrypoint, *words], workdir or self.workdir)


def instructions(text: str) -> list[tuple[str, str]]:
    """Read instructions and what they say, in order."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    lines = [line for line in joined.splitlines() if line]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def build(context: Path, name: str, folder: Path) -> Image:
    """Take the instructions of a Containerfile one by one; return what the last stage leaves.

    Stages share the root, as a virtual environment cannot move: what a stage copies from another
    must have one path in both, and the rest of the other's files is removed.
    """
    arguments: dict[str, str] = {}
    image = Image(folder, folder, "")
    for word, rest in instructions((context / name).read_text(encoding="utf-8")):
        if word == "ARG":
            key, _, arguments[key] = rest.partition("=")
        elif word == "FROM":
            base = rest.split()[0]
            image = Image(folder, folder, arguments[base.strip("${}")])
        elif word == "COPY":
            _copy(rest, context, image)
        elif word == "RUN":
            _completed(rest, image)
        elif word == "WORKDIR":
            image.workdir = Path(image.below(rest))
            image.workdir.mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            image.user = rest
        elif word == "ENTRYPOINT":
            image.entrypoint = [image.below(part) for part in _exec_form(rest)]
        else:
            raise AssertionError(f"{word} is not known here")
    return image


def _copy(rest: str, context: Path, image: Image) -> None:
    """Copy from the context, or keep from another stage."""
    *sources, target = rest.split()
    if sources[0].startswith("--from="):
        assert sources[1:] == [target], "a virtual environment cannot move"
        kept = Path(image.below(target))
        for other in image.root.iterdir():
            if other not in kept.parents:
                shutil.rmtree(other)
        assert kept.is_dir()
        return
    for source in sources:
        if (context / source).is_dir():
            shutil.copytree(context / source, image.workdir / target)
        else:
            shutil.copy2(context / source, image.workdir / target)


def _completed(rest: str, image: Image) -> None:
    """Run a step in its shell form or its exec form."""
    words = [image.below(part) for part in _exec_form(rest)] if rest.startswith("[") else None
    done = _called(words or ["sh", "-c", image.below(rest)], image.workdir)
    assert (done.returncode, done.stderr) == (0, ""), rest


def _exec_form(rest: str) -> list[str]:
    """Read the JSON list of a command."""
    return msgspec.json.decode(rest, type=list[str])


def _called(words: Sequence[str], workdir: Path) -> subprocess.CompletedProcess[str]:
    """Call a command with the base's Python first on PATH, and files readable as in an image."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return subprocess.run(
        words,
        cwd=workdir,
        env={**os.environ, **QUIET, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        umask=0o022,
    )


def words_of(line: str, program: str) -> list[str]:
    """Split a line of a shell that begins with this program."""
    first, *words = shlex.split(line)
    assert first == program
    return words
