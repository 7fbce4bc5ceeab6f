"""How Hypothesis searches: the same examples in every run, unless a longer search is asked for."""

import os

from hypothesis import HealthCheck, settings

_SLOW_MACHINE = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=_SLOW_MACHINE,
)
settings.register_profile(
    "search", deadline=None, max_examples=2_000, suppress_health_check=_SLOW_MACHINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name rows alike in every worker, also where a value has random octets or an address."""
    return None if val is None or isinstance(val, (str, int, float)) else argname
