"""``attest policy learn``: what verified is proposed, forgeries only by a flag and by name."""

import shutil
from pathlib import Path

import pytest

import attest as package
from attest.policy.demonstration import PCRS
from attest.policy.learn import judging_policy
from tests import build
from tests.aik import Aik, digest, ecc_aik, rsa_aik
from tests.cli.calls import FORGED, HONEST, ROOT, attest
from tests.judging import octets_of, policy_of

UNANCHORED = ("--trust", "unanchored", "--allow-unanchored")


def release(number: int, mixed: int | None = None, files: str = "") -> build.Values:
    """PCRs of a release; ``mixed`` takes PCR 7 from another."""
    other = number if mixed is None else mixed
    return {
        "sha256": {
            0: digest("sha256", b"firmware %d" % number),
            7: digest("sha256", b"secure boot %d" % other),
            10: digest("sha256", f"files {files}".encode()),
        }
    }


def response(values: build.Values, aik: Aik | None = None, payload_id: str = "id") -> bytes:
    return octets_of(build.response(aik or ecc_aik(), payload_id=payload_id, values=values))


def saved(folder: Path, *rows: bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


def test_a_policy_of_a_thousand_responses_accepts_their_releases_and_no_other(
    tmp_path: Path,
) -> None:
    rows = [response(release(n % 3, files=str(n)), payload_id=f"id-{n}") for n in range(1000)]
    policy = tmp_path / "policy.yaml"

    done = attest("policy", "learn", saved(tmp_path, *rows), *UNANCHORED, "-o", policy)

    assert (done.exit_code, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert [line.split(",")[0] for line in said[:3]] == [
        "learnt-1: 334 responses",
        "learnt-2: 333 responses",
        "learnt-3: 333 responses",
    ]
    assert said[3] == "left out: sha256:10: grows while a machine runs"
    loaded = package.load_policy(policy)
    assert all(package.verify(row, loaded).accepted for row in rows)
    for values in (release(3), release(0, mixed=1), release(2, mixed=0)):
        result = package.verify(response(values), loaded)
        assert {check.id for check in result.refusals} == {"pcr.baseline"}


def test_learning_from_what_anyone_can_make_needs_the_flag(tmp_path: Path) -> None:
    rows, policy = saved(tmp_path, HONEST), tmp_path / "policy.yaml"
    done = attest("policy", "learn", rows, "--trust", "unanchored", "-o", policy)
    assert (done.exit_code, policy.exists()) == (2, False)
    assert "anyone can make such evidence in software" in done.stderr


def test_what_anyone_can_make_is_called_so_in_print_and_in_the_policy(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    done = attest("policy", "learn", saved(tmp_path, HONEST), *UNANCHORED, "-o", policy)
    said = "self-consistent: anyone can make such evidence in software"
    assert (done.exit_code, said in done.stdout) == (0, True)
    assert said in policy.read_text(encoding="utf-8")
    loaded = package.load_policy(policy)
    assert isinstance(loaded, package.Policy)
    origin = loaded.baselines[0].provenance
    assert origin is not None
    assert origin.assurance == "self-consistent"


def test_what_does_not_verify_is_left_out_by_name(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    rows = saved(tmp_path, FORGED, HONEST, b"[]")
    done = attest("policy", "learn", rows, *UNANCHORED, "-o", policy)
    assert done.exit_code == 1
    assert done.stdout.startswith("learnt-1: 1 responses")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"attest: not learnt from: {rows} row 0: quote.magic: ")
    assert second.startswith(f"attest: not learnt from: {rows} row 2: evidence.")


def test_many_that_do_not_verify_are_counted(tmp_path: Path) -> None:
    rows = saved(tmp_path, *[FORGED] * 25)
    done = attest("policy", "learn", rows, *UNANCHORED, "-o", tmp_path / "p.yaml")
    said = done.stderr.splitlines()
    assert (done.exit_code, len(said)) == (2, 22)
    assert said[20:] == [
        "attest: not learnt from: 5 more",
        "attest: no response verified, so there is nothing to learn from",
    ]


def test_enrolled_keys_alone_are_learnt_from_and_machines_counted(tmp_path: Path) -> None:
    known, other = rsa_aik(), ecc_aik()
    rows = saved(
        tmp_path, response(release(0), known), response(release(0), known, "b"),
        response(release(1), other),
    )  # fmt: skip
    policy = tmp_path / "policy.yaml"
    words = ("--trust", "enrolled", "--ak-name", known.name.hex(), "-o", policy)
    done = attest("policy", "learn", rows, *words)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0] == "learnt-1: 2 responses, 1 machines, anchored"
    assert "aik.trust: " in done.stderr
    assert package.verify(response(release(0), known), package.load_policy(policy)).accepted


def test_keys_with_a_chain_are_learnt_from_by_a_policy_that_names_roots(tmp_path: Path) -> None:
    folder = tmp_path / "chained"
    shutil.copytree(ROOT / "fixtures" / "forged-chain-ak", folder)
    words = (folder / "response.json", "-p", folder / "policy.yaml", "-o", folder / "next.yaml")
    done = attest("policy", "learn", *words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "learnt-1: 1 responses, 1 machines, anchored"
    loaded = package.load_policy(folder / "next.yaml")
    assert isinstance(loaded, package.Policy)
    assert [str(loaded.aik.trust), loaded.aik.roots[0].file] == ["certified", "roots.pem"]
    origin = loaded.baselines[0].provenance
    assert origin is not None
    assert origin.assurance == "anchored"
    elsewhere = attest("policy", "learn", *words[:-1], tmp_path / "next.yaml")
    assert (elsewhere.exit_code, (tmp_path / "next.yaml").exists()) == (2, False)
    assert "aik.roots[0].file: cannot be read" in elsewhere.stderr


def test_a_pcr_that_never_agrees_is_named_in_print_and_in_the_policy(tmp_path: Path) -> None:
    rows = [
        response({"sha256": {**release(0)["sha256"], 5: digest("sha256", bytes([number]))}})
        for number in range(4)
    ]
    policy = tmp_path / "policy.yaml"
    done = attest("policy", "learn", saved(tmp_path, *rows), *UNANCHORED, "-o", policy)
    said = "left out: sha256:5: never agrees: 4 responses, as many values"
    assert (done.exit_code, said in done.stdout.splitlines()) == (0, True)
    assert f"# {said}\n" in policy.read_text(encoding="utf-8")
    loaded = package.load_policy(policy)
    assert isinstance(loaded, package.Policy)
    assert [[rule.index for rule in one.golden] for one in loaded.baselines] == [[0, 7]]


def test_another_policys_demands_are_taken_over_one_edition_later(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text(build.policy_text(serial=7, clock={"safe": "required"}), encoding="utf-8")
    policy = tmp_path / "policy.yaml"
    unsafe = octets_of(build.response(ecc_aik(), quoted={"safe": 0}))
    rows = saved(tmp_path, response(release(3)), unsafe)
    done = attest("policy", "learn", rows, "-p", base, "--allow-unanchored", "-o", policy)
    assert (done.exit_code, "quote.clock" in done.stderr) == (1, True)
    loaded = package.load_policy(policy)
    assert isinstance(loaded, package.Policy)
    assert (loaded.name, loaded.serial, loaded.clock_safe_required) == ("golden", 8, True)
    assert [one.name for one in loaded.baselines] == ["learnt-1"]


def test_baselines_go_into_another_edition_whose_comments_stay(tmp_path: Path) -> None:
    base, policy = tmp_path / "base.yaml", tmp_path / "policy.yaml"
    text = "# ours\n" + build.policy_text(serial=7)
    base.write_text(text, encoding="utf-8")
    rows = saved(tmp_path, response(release(3)))
    words = ("--into", base, "--allow-unanchored", "--baseline", "r3", "-o", policy)
    done = attest("policy", "learn", rows, *words)
    assert (done.exit_code, done.stderr) == (0, "")
    written = policy.read_text(encoding="utf-8")
    assert written.startswith("# ours\n")
    loaded = package.load_policy(policy)
    assert isinstance(loaded, package.Policy)
    assert [one.name for one in loaded.baselines] == ["release-a", "r3-1"]
    assert loaded.serial == 8
    assert package.verify(response(release(3)), loaded).accepted
    assert package.verify(response(build.VALUES), loaded).accepted
    assert base.read_text(encoding="utf-8") == text
    again = attest("policy", "learn", rows, *("--into", policy, *words[2:-1], tmp_path / "c"))
    assert (again.exit_code, "another baseline has this name" in again.stderr) == (2, True)


def test_a_base_without_serial_begins_one(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text(build.policy_text(), encoding="utf-8")
    words = ("-p", base, "--allow-unanchored", "--name", "next", "-o", "-")
    done = attest("policy", "learn", saved(tmp_path, HONEST), *words)
    assert (done.exit_code, "\nname: next\nserial: 1\n" in done.stdout) == (0, True)
    assert "learnt-1: " in done.stderr


def test_evidence_without_a_tpm_is_not_learnt_from(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    tiers = {"security_tier": ["standard"]}
    base.write_text(build.policy_text(tpm="optional", applies_to=tiers), encoding="utf-8")
    without = octets_of(build.completion({"is_available": False}, tier="standard"))
    words = ("-p", base, "--allow-unanchored", "-o", tmp_path / "p.yaml")
    done = attest("policy", "learn", saved(tmp_path, without), *words)
    assert (done.exit_code, "nothing to learn from" in done.stderr) == (2, True)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    policy = saved(tmp_path, b"mine", name="policy.yaml")
    done = attest("policy", "learn", saved(tmp_path, HONEST), *UNANCHORED, "-o", policy)
    assert (done.exit_code, policy.read_bytes()) == (2, b"mine\n")
    assert "is there already, and is never written over" in done.stderr


def test_numbers_beyond_the_canonical_form_are_digested_as_octets(tmp_path: Path) -> None:
    whole = build.response(ecc_aik(), attestation={"more": 2**60})
    policy = tmp_path / "p.yaml"
    rows = saved(tmp_path, octets_of(whole))
    done = attest("policy", "learn", rows, *UNANCHORED, "-o", policy)
    assert done.exit_code == 0


def test_an_unreadable_source_is_2_and_the_others_are_learnt_from(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    rows = (tmp_path / "none.json", saved(tmp_path, HONEST))
    done = attest("policy", "learn", *rows, *UNANCHORED, "-o", policy)
    assert (done.exit_code, policy.exists()) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "needs --trust"),
        (("--trust", "enrolled"), "needs --ak-name"),
        (("--trust", "unanchored", "--ak-name", "000b"), "--ak-name is for --trust enrolled"),
        (("--trust", "certified"), "needs more than options say"),
        (("--trust", "tee"), "needs more than options say"),
        (("-p", "POLICY", "--trust", "unanchored"), "stand in the policy that is named"),
        (("-p", "FOLDER"), "is a set"),
        (("--into", "POLICY", "-p", "POLICY"), "do not go with --into"),
        (("--into", "POLICY", "--name", "a"), "do not go with --into"),
        (("--into", "POLICY", "--trust", "unanchored"), "stand in the policy that is named"),
        (("-p", "none.yaml"), "cannot be read"),
        (("-p", "GIVEN", "--allow-unanchored"), "no nonce was given"),
        ((*UNANCHORED, "--pcrs", "sha256:10"), "PCR 10 grows"),
        ((*UNANCHORED, "--pcrs", "sha256:1"), "is not quoted by every response"),
        ((*UNANCHORED, "--name", "Not A Name"), "name: expected"),
        (("--trust", "enrolled", "--ak-name", "00"), "nothing to learn from"),
    ],
)
def test_a_wrong_call_writes_nothing(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "a.yaml").write_text(build.policy_text(), encoding="utf-8")
    (tmp_path / "g.yaml").write_text(build.policy_text(nonce="given"), encoding="utf-8")
    places = {"POLICY": tmp_path / "sets/a.yaml", "FOLDER": tmp_path / "sets",
              "GIVEN": tmp_path / "g.yaml"}  # fmt: skip
    placed = [places.get(word, word) for word in words]
    policy = tmp_path / "policy.yaml"
    done = attest("policy", "learn", saved(tmp_path, HONEST), *placed, "-o", policy)
    assert (done.exit_code, policy.exists(), said in done.stderr) == (2, False, True), done.stderr


def test_demonstration_values_are_learnt_for_the_demonstration_alone(tmp_path: Path) -> None:
    rows = saved(tmp_path, response({"sha256": PCRS}))
    done = attest("policy", "learn", rows, *UNANCHORED, "-o", tmp_path / "p.yaml")
    assert (done.exit_code, "golden value of the demonstration" in done.stderr) == (2, True)
    words = (*UNANCHORED, "--name", "demo-learnt", "-o", tmp_path / "p.yaml")
    assert attest("policy", "learn", rows, *words).exit_code == 0


def test_the_policy_that_judges_asks_for_no_golden_values() -> None:
    judging = judging_policy(policy_of())
    assert judging.mandatory.isdisjoint({"pcr.rules", "pcr.baseline"})
