"""TPM vendor ids by the TCG TPM Vendor ID Registry, Family 1.2 and 2.0."""

from __future__ import annotations

VENDORS = {
    "AMD": "AMD",
    "ANT": "Ant Group",
    "ATML": "Atmel",
    "BRCM": "Broadcom",
    "CSCO": "Cisco",
    "FLYS": "Flyslice Technologies",
    "GOOG": "Google",
    "HISI": "Huawei",
    "HPE": "HPE",
    "HPI": "HPI",
    "IBM": "IBM",
    "IFX": "Infineon",
    "INTC": "Intel",
    "LEN": "Lenovo",
    "MSFT": "Microsoft",
    "NSM": "National Semiconductor",
    "NTC": "Nuvoton Technology",
    "NTZ": "Nationz",
    "QCOM": "Qualcomm",
    "ROCC": "Fuzhou Rockchip",
    "SMSC": "SMSC",
    "SMSN": "Samsung",
    "SNS": "Sinosun",
    "STM": "ST Microelectronics",
    "TXN": "Texas Instruments",
    "WEC": "Winbond",
}
"""Names of vendors by their ids, without the space or NUL that fills them up to four octets."""

_PREFIX = "id:"
_DIGITS = 8


def vendor_id(manufacturer: str) -> str | None:
    """Decode TPMManufacturer, such as ``id:494E5443``, to a vendor id of the registry.

    Returns:
        The id, such as ``INTC``; None where the text is no such number, or the registry has none.
    """
    digits = manufacturer.removeprefix(_PREFIX)
    if digits == manufacturer or len(digits) != _DIGITS:
        return None
    try:
        text = bytes.fromhex(digits).decode("ascii").rstrip("\0 ")
    except ValueError:
        return None
    return text if text in VENDORS else None
