"""Vendor ids: decoded where the registry knows them, else none."""

import pytest

from attest.certificates.vendors import VENDORS, vendor_id

KNOWN = [
    ("id:494E5443", "INTC"),
    ("id:494e5443", "INTC"),
    ("id:49465800", "IFX"),
    ("id:53544D20", "STM"),
    ("id:414D4400", "AMD"),
    ("id:474F4F47", "GOOG"),
]
UNKNOWN = ["", "id:", "494E5443", "id:00001014", "id:494E544", "id:494E54431", "id:ZZZZZZZZ"]


@pytest.mark.parametrize(("manufacturer", "vendor"), KNOWN)
def test_vendor_ids_are_decoded(manufacturer: str, vendor: str) -> None:
    assert vendor_id(manufacturer) == vendor


@pytest.mark.parametrize("manufacturer", [*UNKNOWN, "id:FFFFF1D0", "id:58585858"])
def test_what_the_registry_does_not_have_is_no_vendor(manufacturer: str) -> None:
    assert vendor_id(manufacturer) is None


def test_ids_fit_four_octets() -> None:
    assert all(vendor.isascii() and len(vendor) <= 4 for vendor in VENDORS)
