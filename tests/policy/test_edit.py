"""Baselines put into a policy file: its comments stay, and nothing else changes."""

import sys

import pytest
from msgspec.structs import replace

from attest.errors import PolicyError
from attest.policy.edit import NEEDS, with_baselines
from attest.policy.loader import parse_policy
from attest.policy.model import Baseline, PcrRule, RuleKind
from attest.policy.origin import Provenance
from attest.tpm.constants import Alg
from tests.policy.texts import FULL, A, B, policy

NEW = Baseline(
    "new",
    (PcrRule(Alg.SHA256, 0, RuleKind.VALUES, (bytes.fromhex(A), bytes.fromhex(B))),),
    provenance=Provenance("f", bytes.fromhex(B)),
)
COMMENTED = f"""\
# The fleet.
schema: 1
name: fleet   # ours
serial: 7
valid: {{until: 2027-02-01T00:00:00Z}}
aik:
  trust: unanchored
baselines:
  # The release of spring.
  - name: old
    pcrs:
      sha256:
        0: '{A}'   # firmware
"""


def test_comments_and_layout_stay() -> None:
    edited = with_baselines(COMMENTED.encode(), "p", (NEW,)).decode()
    assert edited.startswith(COMMENTED.replace("serial: 7", "serial: 8"))
    assert edited.removeprefix(COMMENTED.replace("serial: 7", "serial: 8")) == (
        f"  - name: new\n    provenance:\n      source: f\n      sha256: \"{B}\"\n    pcrs:\n"
        f"      sha256:\n        0:\n          - \"{A}\"\n          - \"{B}\"\n"
    )  # fmt: skip


@pytest.mark.parametrize("text", [COMMENTED, FULL, policy(), policy(serial="0")])
def test_nothing_but_serial_and_baselines_changes(text: str) -> None:
    before = parse_policy(text.encode(), "p")
    after = parse_policy(with_baselines(text.encode(), "p", (NEW,)), "p")
    wanted = replace(before, sha256=after.sha256, baselines=(*before.baselines, NEW))
    assert after == replace(wanted, serial=1 if before.serial is None else before.serial + 1)


def test_a_name_that_is_there_is_refused() -> None:
    with pytest.raises(PolicyError, match="another baseline has this name"):
        with_baselines(COMMENTED.encode(), "p", (replace(NEW, name="old"),))


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("+12", "cannot be edited without changing more than its baselines"),
        ("2001-13-45", "cannot be edited: "),
    ],
)
def test_what_would_not_stay_as_it_is_refuses(description: str, said: str) -> None:
    text = policy(description=description).encode()
    assert parse_policy(text, "p").description == description
    with pytest.raises(PolicyError, match=said):
        with_baselines(text, "p", (NEW,))


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    with pytest.raises(PolicyError) as caught:
        with_baselines(COMMENTED.encode(), "p", (NEW,))
    assert caught.value.fault == NEEDS
