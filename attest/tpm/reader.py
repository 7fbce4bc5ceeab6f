"""The cursor over untrusted octets: take what is there, name what is not, then finish."""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class
from typing import NoReturn

from attest.errors import MalformedError

_UINT16 = Struct(">H")
_uint16_from = _UINT16.unpack_from


class Reader:
    """Reads big-endian TPM structures from the front of a buffer, exactly.

    Every fault is a MalformedError whose place is ``<structure>.<field> at octet <offset>``.
    """

    __slots__ = ("_data", "_offset", "_structure")

    def __init__(self, structure: str, data: bytes) -> None:
        """Begin at the front of data; ``structure`` is the name that errors carry."""
        self._structure = structure
        self._data = data
        self._offset = 0

    def unpack(self, layout: Struct, field: str) -> tuple[int, ...]:
        """Take the unsigned integers of a fixed layout."""
        start = self._offset
        try:
            values = layout.unpack_from(self._data, start)
        except StructError:
            self._short(field, start, layout.size)
        self._offset = start + layout.size
        return values

    def uint16(self, field: str) -> int:
        """Take an unsigned integer of two octets."""
        start = self._offset
        try:
            (value,) = _uint16_from(self._data, start)
        except StructError:
            self._short(field, start, _UINT16.size)
        self._offset = start + 2
        number: int = value
        return number

    def octets(self, count: int, field: str) -> bytes:
        """Take ``count`` octets."""
        start = self._offset
        self._offset = end = start + count
        if end > len(self._data):
            self._short(field, start, count)
        return self._data[start:end]

    def sized(self, field: str, most: int) -> bytes:
        """Take a TPM2B: a 16-bit size of at most ``most``, then as many octets."""
        data, start = self._data, self._offset
        try:
            (size,) = _uint16_from(data, start)
        except StructError:
            self._short(f"{field}.size", start, _UINT16.size)
        if size > most:
            self.fail(f"{field}.size", f"{size} exceeds {most}")
        start += 2
        self._offset = end = start + size
        if end > len(data):
            self._short(field, start, size)
        return data[start:end]

    def unpack_sized(
        self, layout: Struct, field: str, sized: str, most: int
    ) -> tuple[tuple[int, ...], bytes]:
        """Take fixed integers and the TPM2B that follows them.

        Args:
            layout: The integers; the last is the size of the TPM2B.
            field: Name of the integers, where they are cut.
            sized: Name of the TPM2B.
            most: Largest size of the TPM2B.
        """
        data, start = self._data, self._offset
        try:
            values = layout.unpack_from(data, start)
        except StructError:
            fixed = layout.size - _UINT16.size
            if len(data) - start < fixed:
                self._short(field, start, fixed)
            self._short(f"{sized}.size", start + fixed, _UINT16.size)
        start += layout.size
        size = values[-1]
        if size > most:
            self._offset = start - _UINT16.size
            self.fail(f"{sized}.size", f"{size} exceeds {most}")
        self._offset = end = start + size
        if end > len(data):
            self._short(sized, start, size)
        return values, data[start:end]

    def rest(self) -> bytes:
        """Take whatever is left: the body of a structure that is not looked into."""
        offset = self._offset
        self._offset = len(self._data)
        return self._data[offset:]

    def finish(self) -> None:
        """Refuse octets that are left over."""
        left = len(self._data) - self._offset
        if left:
            self.fail("end", f"{left} trailing octet{'s' if left > 1 else ''}")

    def fail(self, field: str, fault: str, back: int = 0) -> NoReturn:
        """Raise for a field whose value is out of bounds, ``back`` octets before the cursor."""
        place = f"{self._structure}.{field} at octet {self._offset - back}"
        raise MalformedError(place, fault)

    def _short(self, field: str, offset: int, wanted: int) -> NoReturn:
        """Raise for a field that the buffer is too short for."""
        left = len(self._data) - offset
        place = f"{self._structure}.{field} at octet {offset}"
        raise MalformedError(place, f"{wanted} octets wanted, {left} left")


def unframe(structure: str, data: bytes) -> int:
    """Check the size of a TPM2B that must fill the buffer; return the offset of its content."""
    if len(data) < _UINT16.size:
        raise MalformedError(f"{structure}.size at octet 0", f"2 octets wanted, {len(data)} left")
    (size,) = _UINT16.unpack_from(data)
    follow = len(data) - _UINT16.size
    if size != follow:
        raise MalformedError(f"{structure}.size at octet 0", f"{size} announced, {follow} follow")
    return _UINT16.size
