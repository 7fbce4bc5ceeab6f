"""Values never change: whatever attest reads, judges by or answers with is frozen."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from msgspec import Struct

import attest
from tests.judging import verified


def structs() -> Iterator[type[Struct]]:
    """Every Struct of the package, that no module brought from elsewhere."""
    for module in pkgutil.walk_packages(attest.__path__, "attest."):
        if module.name != "attest.__main__":
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, Struct):
                    yield value


STRUCTS = sorted({kind for kind in structs() if kind.__module__.startswith("attest.")}, key=str)


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_every_struct_is_frozen(kind: type[Struct]) -> None:
    assert kind.__struct_config__.frozen


def test_a_result_cannot_be_changed() -> None:
    result = verified(quoted={"magic": 0})

    with pytest.raises(AttributeError, match="immutable"):
        result.checks = ()  # type: ignore[misc] # the attempt

    assert not result.accepted
