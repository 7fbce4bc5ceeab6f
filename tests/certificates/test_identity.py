"""Identities: one certificate, one subject, one machine, and nobody else's."""

import msgspec
import pytest

from attest.certificates.identity import is_gce, is_leaf, is_subject, told
from attest.certificates.model import Chain, GceInstance
from tests.certificates.chaining import LEAF, MIDDLE, validated

CHAIN = validated(LEAF, MIDDLE)
INSTANCE = GceInstance("zone", 12, "project", 34, "name", production=True)


def of(gce: GceInstance | None, subject: str = "CN=leaf") -> Chain:
    return msgspec.structs.replace(CHAIN, gce=gce, subject=subject)


def test_a_leaf_is_itself() -> None:
    assert is_leaf(CHAIN, CHAIN.leaf_sha256)
    assert not is_leaf(CHAIN, CHAIN.root_sha256)


@pytest.mark.parametrize("subject", ["CN=LEAF", "cn=leaf", "CN=leaf ", "CN = leaf", "leaf", ""])
def test_a_subject_is_compared_character_for_character(subject: str) -> None:
    assert is_subject(CHAIN, "CN=leaf")
    assert not is_subject(CHAIN, subject)


def test_an_empty_subject_matches_nothing() -> None:
    assert not is_subject(of(None, subject=""), "")


@pytest.mark.parametrize("project", ["project", "12"])
@pytest.mark.parametrize("instance", ["name", "34"])
def test_an_instance_has_two_names(project: str, instance: str) -> None:
    assert is_gce(of(INSTANCE), project, instance)


OTHERS = [
    ("other", "name"),
    ("project", "other"),
    ("project", "project"),
    ("name", "name"),
    ("34", "12"),
    ("project", "034"),
    ("Project", "name"),
    ("", ""),
]


@pytest.mark.parametrize(("project", "instance"), OTHERS)
def test_another_instance_is_another(project: str, instance: str) -> None:
    assert not is_gce(of(INSTANCE), project, instance)


def test_what_has_no_instance_is_none() -> None:
    assert not is_gce(CHAIN, "project", "name")


def test_what_production_did_not_issue_is_no_instance() -> None:
    testing = of(msgspec.structs.replace(INSTANCE, production=False))

    assert not is_gce(testing, "project", "name")
    assert told(testing).endswith("instance 34 (name), not issued by Google's production")


def test_a_reason_names_whom_the_chain_is_about() -> None:
    leaf = f"leaf {CHAIN.leaf_sha256.hex()}"

    assert told(of(INSTANCE)) == (
        f"{leaf}, subject CN=leaf, gce project project (12), instance 34 (name)"
    )
    assert told(of(None, subject="")) == leaf
