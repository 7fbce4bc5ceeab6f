"""docs/policies.md: every policy in it loads, every key stands in it, and its commands run."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from attest.policy.loader import load_policy
from attest.policy.model import Policy
from attest.policy.schema import schema
from tests.cli.calls import ROOT, attest

GUIDE: Final = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
BEGINNING: Final = "schema: 1\nname: a\npcrs: {sha256: {10: extended}}\n"
PINNED: Final = re.compile(r'file: (\S+), sha256: "([0-9a-f]{64})"')
CASE: Final = ROOT / "fixtures" / "swtpm-rsa2048-rsassa-sha256"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "roots").mkdir()
    for name in ("vendor", "issuing"):
        (tmp_path / "roots" / f"{name}.pem").write_text(name, encoding="utf-8")
    return tmp_path


def whole(block: str, folder: Path) -> str:
    """A policy of a block, which may be a part of one, with the digests of our own files."""
    text = block if block.startswith("schema: ") else BEGINNING + block
    for file, sha256 in PINNED.findall(text):
        text = text.replace(sha256, hashlib.sha256((folder / file).read_bytes()).hexdigest(), 1)
    return text


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_policy_of_the_guide_loads(folder: Path, number: int) -> None:
    path = folder / "policy.yaml"
    path.write_text(whole(BLOCKS[number], folder), encoding="utf-8")
    assert isinstance(load_policy(path), Policy)


def test_the_guide_has_policies_of_each_trust() -> None:
    found = [re.findall(r"trust: (\w+)", block) for block in BLOCKS]
    assert found == [["unanchored"], ["enrolled"], ["certified"], ["certified"]]


def tables(title: str) -> Iterator[str]:
    """First columns of the tables of a section."""
    (section,) = re.findall(rf"^##+ {title}\n(.*?)(?=^## )", GUIDE, re.MULTILINE | re.DOTALL)
    yield from re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)


def test_every_key_of_the_schema_is_explained() -> None:
    members = schema("policy")["properties"]
    told = {name.partition(".")[0] for name in tables("Every key")}
    assert set(members) <= told
    for member in ("valid", "applies_to", "signature", "clock"):
        below = members[member].get("properties", {})
        assert all(f"`{name}`" in GUIDE or f"`{member}.{name}`" in GUIDE for name in below)


def test_the_commands_of_a_first_policy_run(folder: Path) -> None:
    assert "`attest inspect response.json`" in GUIDE
    shown = attest("inspect", CASE / "response.json")
    assert (shown.exit_code, "sha256" in shown.stdout) == (0, True)
    for words in (("lint", "policies/"), ("schema",)):
        assert attest("policy", *(ROOT / w if "/" in w else w for w in words)).exit_code == 0
    (folder / "policy.yaml").write_text(BLOCKS[0], encoding="utf-8")
    linted = attest("policy", "lint", folder / "policy.yaml", "--at", "2026-12-01T00:00:00Z")
    assert linted.stdout.splitlines()[1:] == ["0 errors, 1 warnings"]
