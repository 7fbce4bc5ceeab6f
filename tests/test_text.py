"""Text of others: escaped where a terminal could act on it, cut where it is long."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attest.text import MOST, counted, shown


@pytest.mark.parametrize(
    "text",
    ["", "plain", "a b", "backslash \\ stays", '"quoted"', "größer", "日本語", "😀", "\\x00", "~"],
)
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x00", "\\x00"),
        ("\t", "\\t"),
        ("a\nb", "a\\nb"),
        ("\r", "\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x7f", "\\x7f"),
        ("\x80", "\\x80"),
        ("\x9b", "\\x9b"),
        ("\xa0", "\\xa0"),
        ("\xad", "\\xad"),
        ("\u061c", "\\u061c"),
        ("\u200b", "\\u200b"),
        ("\u200e\u200f", "\\u200e\\u200f"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\u202a\u202b\u202c\u202d\u202e", "\\u202a\\u202b\\u202c\\u202d\\u202e"),
        ("\u2066\u2067\u2068\u2069", "\\u2066\\u2067\\u2068\\u2069"),
        ("\ufeff", "\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\udfff", "\\udfff"),
        ("\uffff", "\\uffff"),
        ("\U000e0001", "\\U000e0001"),
        ("\U0010ffff", "\\U0010ffff"),
        ("\\\n", "\\\\n"),
    ],
)
def test_what_a_terminal_could_act_on_is_escaped(text: str, written: str) -> None:
    assert shown(text) == written


@pytest.mark.parametrize("length", [0, 1, 199, 200])
def test_text_up_to_200_characters_is_whole(length: int) -> None:
    assert shown("x" * length) == "x" * length


@pytest.mark.parametrize("length", [201, 202, 100_000])
def test_longer_text_is_cut_after_200_characters(length: int) -> None:
    assert shown("x" * length) == "x" * 200 + "..."


@pytest.mark.parametrize(
    ("most", "written"), [(0, "..."), (1, "a..."), (2, "ab..."), (3, "abc"), (4, "abc")]
)
def test_bound_may_be_another(most: int, written: str) -> None:
    assert shown("abc", most) == written


def test_text_is_cut_before_it_is_escaped() -> None:
    assert shown("\n" * 201) == "\\n" * 200 + "..."


def test_bound_is_200() -> None:
    assert MOST == 200


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (2000, "2,000 rows")]
)
def test_counted_things_agree_with_their_number(count: int, said: str) -> None:
    assert counted(count, "row") == said


@given(st.text(max_size=300))
def test_shown_text_is_always_printable(text: str) -> None:
    assert shown(text).isprintable()


@given(st.characters())
def test_no_control_or_format_character_is_shown(char: str) -> None:
    written = shown(char)

    assert not {unicodedata.category(one) for one in written} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert written == char or written.isascii()
