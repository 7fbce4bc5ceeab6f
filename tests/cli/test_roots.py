"""``attest roots import``: what it writes, what it refuses, and its exit codes."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from attest.policy.loader import load_policy
from attest.policy.model import Policy
from tests.certificates.making import ak, ca, issue
from tests.cli.calls import attest
from tests.policy.texts import policy
from tests.roots.cabinets import cabinet

ROOT = issue("root", None, ca())
MIDDLE = issue("middle", ROOT, ca())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "root.cer"
    path.parent.mkdir()
    path.write_bytes(ROOT.der)
    return path


def test_a_certificate_becomes_a_store(source: Path, tmp_path: Path) -> None:
    lock = tmp_path / "makers.lock"

    seen = attest("roots", "import", source, "-o", lock)

    bundle = tmp_path / "makers.pem"
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert (seen.exit_code, seen.stderr) == (0, "")
    assert seen.stdout == (
        f'1 roots, 0 intermediates to {bundle}\nroots: [{{file: makers.pem, sha256: "{digest}"}}]\n'
    )
    assert bundle.read_bytes() == ROOT.pem
    assert json.loads(lock.read_bytes())["sha256"] == digest


def test_a_policy_pins_what_was_printed(source: Path, tmp_path: Path) -> None:
    printed = attest("roots", "import", source, "-o", tmp_path / "r.lock").stdout.splitlines()[-1]
    aik = f"{{trust: certified, {printed}, identity: [{{subject: CN=a}}]}}"
    (tmp_path / "policy.yaml").write_text(policy(aik=aik), encoding="utf-8")

    loaded = load_policy(tmp_path / "policy.yaml")

    assert isinstance(loaded, Policy)
    assert loaded.aik.roots[0].file == "r.pem"


def test_a_folder_and_an_archive_give_the_same_store(tmp_path: Path) -> None:
    files = {"Maker\\RootCA\\r.cer": ROOT.der, "Maker\\m.crt": MIDDLE.der, "version.txt": b"1"}
    (tmp_path / "f" / "Maker" / "RootCA").mkdir(parents=True)
    for name, octets in files.items():
        (tmp_path / "f" / name.replace("\\", "/")).write_bytes(octets)
    (tmp_path / "Trusted.cab").write_bytes(cabinet(files))

    folder = attest("roots", "import", tmp_path / "f", "-o", tmp_path / "folder.lock")
    archive = attest("roots", "import", tmp_path / "Trusted.cab", "-o", tmp_path / "cab.lock")

    assert (folder.exit_code, archive.exit_code) == (0, 0)
    assert (tmp_path / "folder.pem").read_bytes() == (tmp_path / "cab.pem").read_bytes()
    assert f"1 skipped, listed in {tmp_path / 'cab.lock'}\n" in archive.stdout
    locks = [json.loads((tmp_path / f"{name}.lock").read_bytes()) for name in ("folder", "cab")]
    assert [lock["source"] for lock in locks] == ["f", "Trusted.cab"]
    assert locks[0]["certificates"] == locks[1]["certificates"]


def test_patterns_choose_files(tmp_path: Path, source: Path) -> None:
    (source.parent / "junk.cer").write_bytes(b"junk")

    seen = attest("roots", "import", source.parent, "-o", tmp_path / "a.lock", "--only", "root*")

    assert seen.exit_code == 0


@pytest.mark.parametrize("taken", ["r.lock", "r.pem"])
def test_no_file_is_written_over(source: Path, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_bytes(b"mine")

    seen = attest("roots", "import", source, "-o", tmp_path / "r.lock")

    assert (seen.exit_code, seen.stdout) == (2, "")
    assert seen.stderr == f"attest: {tmp_path / taken}: File exists\n"
    assert [path.name for path in tmp_path.glob("r.*")] == [taken]
    assert (tmp_path / taken).read_bytes() == b"mine"


def test_a_link_is_not_written_through(source: Path, tmp_path: Path) -> None:
    (tmp_path / "r.pem").symlink_to(tmp_path / "elsewhere")

    assert attest("roots", "import", source, "-o", tmp_path / "r.lock").exit_code == 2
    assert not (tmp_path / "elsewhere").exists()


REFUSED = [
    (b"junk", "is no DER certificate"),
    (MIDDLE.der, "store: no root among 1 CA certificates, 0 files skipped"),
    (issue("leaf", ROOT, ak()).pem, "store: no root among 0 CA certificates, 1 files skipped"),
    (b"MSCF", "is cut off"),
]


@pytest.mark.parametrize(("octets", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_refused_exits_1_and_writes_nothing(
    tmp_path: Path, octets: bytes, said: str
) -> None:
    source = tmp_path / "in.pem"
    source.write_bytes(octets)

    seen = attest("roots", "import", source, "-o", tmp_path / "r.lock")

    assert (seen.exit_code, seen.stdout) == (1, "")
    assert seen.stderr == f"attest: {source}: {said}\n"
    assert list(tmp_path.iterdir()) == [source]


def test_junk_in_a_folder_is_named_with_control_characters_escaped(
    source: Path, tmp_path: Path
) -> None:
    (source.parent / "a\x1b.cer").write_bytes(b"junk")

    seen = attest("roots", "import", source.parent, "-o", tmp_path / "r.lock")

    assert seen.exit_code == 1
    assert seen.stderr == f"attest: {source.parent}: a\\x1b.cer: is no DER certificate\n"


def test_what_cannot_be_read_exits_2(tmp_path: Path) -> None:
    seen = attest("roots", "import", tmp_path / "none", "-o", tmp_path / "r.lock")

    assert (seen.exit_code, seen.stderr) == (
        2,
        f"attest: {tmp_path / 'none'}: No such file or directory\n",
    )


def test_a_path_with_nul_exits_2(tmp_path: Path) -> None:
    assert attest("roots", "import", "a\0", "-o", tmp_path / "r.lock").exit_code == 2


def test_what_cannot_be_written_exits_2(source: Path, tmp_path: Path) -> None:
    seen = attest("roots", "import", source, "-o", tmp_path / "none" / "r.lock")

    assert (seen.exit_code, seen.stderr) == (
        2,
        f"attest: {tmp_path / 'none' / 'r.pem'}: No such file or directory\n",
    )


@pytest.mark.parametrize("lock", ["r.pem", ""])
def test_a_lock_that_would_be_the_store_is_a_wrong_call(
    source: Path, tmp_path: Path, lock: str
) -> None:
    seen = attest("roots", "import", source, "-o", lock)

    assert seen.exit_code == 2
    assert "-o names the lock file" in seen.stderr


def test_the_output_is_not_optional(source: Path) -> None:
    assert attest("roots", "import", source).exit_code == 2


def test_an_archive_without_its_library_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.cab").write_bytes(cabinet({"r.cer": ROOT.der}))
    monkeypatch.setitem(sys.modules, "cabarchive", None)

    seen = attest("roots", "import", tmp_path / "a.cab", "-o", tmp_path / "r.lock")

    said = "attest: attest roots import of a CAB file needs: pip install 'tpm-attest[ek]'\n"
    assert (seen.exit_code, seen.stderr) == (2, said)


def test_help_shows_examples() -> None:
    for words in (("roots", "--help"), ("roots", "import", "--help")):
        seen = attest(*words)
        assert seen.exit_code == 0
        assert "Examples:" in seen.stdout
