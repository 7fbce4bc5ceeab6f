"""What a path names: a policy file, or a directory as a policy set."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from attest.errors import PolicyError
from attest.policy import files
from attest.policy.lint import lint
from attest.policy.loader import load_policy, reload_policy
from attest.policy.model import Policy, PolicySet
from tests.policy.texts import policy


def write(folder: Path, file: str, /, **parts: str | None) -> Path:
    path = folder / file
    path.write_text(policy(**parts), encoding="utf-8")
    return path


def test_a_file_is_one_policy_with_its_digest(tmp_path: Path) -> None:
    path = write(tmp_path, "one.yml")

    loaded = load_policy(str(path))

    assert isinstance(loaded, Policy)
    assert loaded.path == str(path)
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_directory_is_the_set_of_its_yaml_files_by_name(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "c.yml", ".hidden.yaml", "d.yaml~", "e.YAML"):
        write(tmp_path, name, name=name[0].strip(".") or "hidden")
    (tmp_path / "below").mkdir()
    write(tmp_path / "below", "f.yaml")

    loaded = load_policy(tmp_path)

    assert isinstance(loaded, PolicySet)
    assert loaded.path == str(tmp_path)
    assert [member.name for member in loaded.policies] == ["a", "b"]
    assert loaded.policies[0].path == str(tmp_path / "a.yaml")


def test_refuses_a_directory_without_policies(tmp_path: Path) -> None:
    write(tmp_path, "c.yml")

    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)

    assert str(caught.value) == f"{tmp_path}: no *.yaml file in this directory"


def test_one_bad_file_refuses_the_set(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml")
    bad = write(tmp_path, "b.yaml", name="B")

    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)

    assert str(caught.value).startswith(f"{bad}:2:7: name: ")


def test_namesakes_may_follow_each_other(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", valid="{until: 2027-01-01T00:00:00Z}")
    write(tmp_path, "b.yaml", valid="{from: 2027-01-01T00:00:00Z}")

    loaded = load_policy(tmp_path)

    assert isinstance(loaded, PolicySet)
    assert [member.name for member in loaded.policies] == ["test", "test"]


@pytest.mark.parametrize(
    "later", [None, "{from: 2026-12-31T23:59:59Z}", "{until: 2026-01-01T00:00:00Z}"]
)
def test_refuses_namesakes_that_are_valid_together(tmp_path: Path, later: str | None) -> None:
    first = write(tmp_path, "a.yaml", valid="{until: 2027-01-01T00:00:00Z}")
    write(tmp_path, "b.yaml", name="other")
    second = write(tmp_path, "c.yaml", valid=later)

    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)

    fault = f"name: {first} has this name too, and both are valid at some time"
    assert str(caught.value) == f"{second}:2:7: {fault}"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("none.yaml", "No such file or directory"),
        ("none.yaml/x", "No such file or directory"),
        ("a\0b", "embedded null byte"),
        ("x" * 5000, "File name too long"),
    ],
)
def test_unreadable_paths_are_policy_errors(path: str, why: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(path)

    assert str(caught.value) == f"{path}: cannot be read: {why}"


def test_a_directory_that_vanishes_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"cannot be read: No such file or directory$"):
        files.members(str(tmp_path / "gone"))


def test_a_file_of_a_set_that_is_a_directory_is_a_policy_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()

    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)

    assert str(caught.value) == f"{tmp_path / 'a.yaml'}: cannot be read: Is a directory"


def test_large_files_are_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(PolicyError, match="larger than 4194304 octets"):
        load_policy(path)


def test_an_empty_path_is_no_policy_though_the_current_folder_is_a_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_policy(write(tmp_path, "a.yaml"))
    monkeypatch.chdir(tmp_path)
    assert load_policy(".").path == "."
    for reads in (load_policy, lint, lambda path: reload_policy(loaded, path), files.read):
        with pytest.raises(PolicyError) as caught:
            reads("")
        assert str(caught.value) == "'': cannot be read: the path is empty"
