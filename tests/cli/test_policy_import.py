"""``attest policy import``: a policy of reference values, with their source and digest."""

import hashlib
import json
from pathlib import Path

import pytest

import attest as package
from attest.policy.model import Policy
from tests import build
from tests.cli.calls import HONEST, attest

VALUES = build.hex_values(build.VALUES)
PCRREAD = "  sha256:\n" + "".join(
    f"    {index} : 0x{value.upper()}\n" for index, value in VALUES["sha256"].items()
)
CONTENT = {
    "tpm2_pcrread": PCRREAD,
    "json": json.dumps(VALUES),
    "keylime": json.dumps({k: [v] for k, v in VALUES["sha256"].items() if k != "10"}),
}


@pytest.mark.parametrize("form", list(CONTENT))
def test_what_is_imported_judges_and_says_where_it_comes_from(tmp_path: Path, form: str) -> None:
    source, policy = tmp_path / "release 1.txt", tmp_path / "p.yaml"
    source.write_text(CONTENT[form], encoding="utf-8")
    words = ("policy", "import", source, "--from", form, "--trust", "unanchored", "-o", policy)

    done = attest(*words)

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("release-1: 2 PCRs\n")
    loaded = package.load_policy(policy)
    assert isinstance(loaded, Policy)
    (baseline,) = loaded.baselines
    origin = baseline.provenance
    assert origin is not None
    assert (origin.source, origin.assurance) == ("release 1.txt", None)
    assert origin.sha256 == hashlib.sha256(source.read_bytes()).digest()
    assert (origin.tool or "").endswith(f"policy import --from {form}")
    assert (loaded.name, baseline.name) == ("imported", "release-1")
    assert package.verify(HONEST, loaded).accepted
    assert attest(*words).exit_code == 2


def test_names_and_demands_may_be_given(tmp_path: Path) -> None:
    source, base = tmp_path / "v.json", tmp_path / "base.yaml"
    source.write_text(CONTENT["json"], encoding="utf-8")
    base.write_text(build.policy_text(serial=3), encoding="utf-8")
    words = ("policy", "import", source, "--from", "json", "-p", base, "--baseline", "r2")
    done = attest(*words, "--pcrs", "sha256:7", "-o", "-")
    assert (done.exit_code, "r2: 1 PCRs\n" in done.stderr) == (0, True)
    assert "name: golden\nserial: 4\n" in done.stdout
    assert "# left out: sha256:0: was not asked for\n" in done.stdout


def test_values_go_into_another_edition(tmp_path: Path) -> None:
    source, base, policy = tmp_path / "v.json", tmp_path / "base.yaml", tmp_path / "p.yaml"
    source.write_text(CONTENT["json"], encoding="utf-8")
    base.write_text("# ours\n" + build.policy_text(serial=3), encoding="utf-8")
    done = attest("policy", "import", source, "--from", "json", "--into", base, "-o", policy)
    assert (done.exit_code, done.stderr) == (0, "")
    assert policy.read_text(encoding="utf-8").startswith("# ours\n")
    loaded = package.load_policy(policy)
    assert isinstance(loaded, Policy)
    assert [one.name for one in loaded.baselines] == ["release-a", "v"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "json"), "is no JSON"),
        (("--from", "keylime", "--bank", "sha1"), "is no JSON"),
        (("--from", "tpm2_pcrread", "--bank", "sha1"), "names its banks itself"),
        (("--from", "tpm2_pcrread", "--baseline", "a b"), "baselines[0].name: expected"),
        (("--from", "yaml"), "Invalid value for '--from'"),
        ((), "Missing option '--from'"),
    ],
)
def test_what_cannot_be_imported_writes_nothing(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    source, policy = tmp_path / "v.yaml", tmp_path / "p.yaml"
    source.write_text(PCRREAD, encoding="utf-8")
    done = attest("policy", "import", source, *words, "--trust", "unanchored", "-o", policy)
    assert (done.exit_code, policy.exists(), said in done.stderr) == (2, False, True)


def test_a_missing_file_is_2(tmp_path: Path) -> None:
    words = ("--from", "json", "--trust", "unanchored", "-o", "-")
    assert attest("policy", "import", tmp_path / "none", *words).exit_code == 2
