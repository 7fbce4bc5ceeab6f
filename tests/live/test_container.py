"""Containerfile: linted; its steps run without an engine, and the guide's lines call the result."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.cli.calls import ROOT
from tests.live.checkout import make_checkout
from tests.live.recipe import Image, build, instructions, words_of

RECIPE: Final = (ROOT / "Containerfile").read_text(encoding="utf-8")
GUIDE: Final = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")


def guide_lines() -> list[str]:
    """The two lines of the guide's example: build, and run."""
    (text,) = re.findall(r"^```sh\n# build\.sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    lines: list[str] = text.splitlines()
    return lines


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("container") / "checkout")


@pytest.fixture(scope="module")
def image(checkout: Path) -> Image:
    """What the guide's first line builds."""
    words = words_of(guide_lines()[0], "docker")
    assert words == ["build", "--file", words[2], "--tag", "tpm-attest", "."]
    root = checkout.parent / "root"
    root.mkdir()
    return build(checkout, words[2], root)


def test_linter_finds_nothing() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("hadolint")),
            "--failure-threshold",
            "style",
            str(ROOT / "Containerfile"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_line_of_the_guide_runs(image: Image, checkout: Path) -> None:
    _, line = guide_lines()
    options, command = line.split(" tpm-attest ", maxsplit=1)
    mounted = options.split()[-1]
    done = image.run(*words_of(f"attest {command}", "attest"), workdir=checkout)
    assert (mounted, image.workdir) == ('"$PWD:/work:ro"', image.root / "work")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ACCEPTED  fixtures/swtpm-rsa2048-rsassa-sha256/response.json")


def test_exit_code_of_the_command_is_that_of_the_container(image: Image, checkout: Path) -> None:
    case = "fixtures/swtpm-other-release"
    refused = image.run(
        "verify", f"{case}/response.json", "-p", f"{case}/policy.yaml", workdir=checkout
    )
    misused = image.run("verify", "missing.json", "-p", f"{case}/policy.yaml", workdir=checkout)
    assert (refused.returncode, refused.stdout[:7]) == (1, "REFUSED")
    assert (misused.returncode, misused.stdout) == (2, "")


def test_image_holds_the_command_and_no_sources(image: Image) -> None:
    assert sorted(path.name for path in image.root.iterdir()) == ["opt", "work"]
    assert [path.name for path in (image.root / "opt").iterdir()] == ["tpm-attest"]
    assert list(image.workdir.iterdir()) == []


def test_another_user_can_read_what_is_installed(image: Image) -> None:
    files = [path for path in (image.root / "opt").rglob("*") if not path.is_symlink()]
    assert files
    assert [path for path in files if not path.stat().st_mode & 0o004] == []


def test_command_runs_as_no_root(image: Image) -> None:
    user, group = map(int, image.user.split(":"))
    assert min(user, group) >= 1000


def test_both_stages_stand_on_the_one_base_that_can_be_pinned(image: Image) -> None:
    bases = [rest.split()[0] for word, rest in instructions(RECIPE) if word == "FROM"]
    assert bases == ["${BASE}", "${BASE}"]
    assert re.fullmatch(r"python:3\.\d+-slim", image.base)
    assert f"`{image.base}`" in GUIDE


def test_builder_is_sent_only_what_is_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions(RECIPE)
        if word == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }
    assert "*" in ignored
    assert sent == copied
