"""The strict YAML cursor: every refusal with its place, and nothing but PolicyError."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from attest.errors import PolicyError
from attest.policy import document
from attest.policy.loader import parse_policy
from attest.policy.section import Document, Section, Value, open_section
from tests.policy.texts import PATH, policy, refusal


@pytest.fixture(params=["c", "python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with libyaml, and as PyYAML does without it."""
    if request.param == "python":
        monkeypatch.setattr(document, "LOADER", yaml.SafeLoader)


def section(text: str) -> Section:
    return open_section(text.encode(), Document(PATH))


def nested(depth: int) -> str:
    return "a: " + "[" * (depth - 1) + "x" + "]" * (depth - 1)


YAML = [
    ("alias", "a: [x, *b]", "1:8: a[1]: aliases are not allowed"),
    ("anchor", "a: {b: &c d}", "1:8: a.b: anchors are not allowed"),
    ("anchor on a key", "&c a: d", "1:1: a: anchors are not allowed"),
    ("anchor on a list", "a:\n  - &c [x]", "2:5: a[0]: anchors are not allowed"),
    ("merge", "a: {<<: *b}", "1:9: a.'<<': aliases are not allowed"),
    ("tag", "a: !!str b", "1:4: a: tags are not allowed"),
    ("own tag", "a: !b c", "1:4: a: tags are not allowed"),
    ("bare tag", "a: ! b", "1:4: a: tags are not allowed"),
    ("tag on a mapping", "!!map\na: b", "1:1: tags are not allowed"),
    ("tag below a list as key", "? [x]\n: !!str b", "2:3: '?': tags are not allowed"),
    ("second document", "a: b\n---\nc: d", "2:1: a second document"),
    ("second document, empty", "a: b\n---\n", "2:1: a second document"),
    ("empty", "", "1:1: holds no document"),
    ("comments only", "# a\n\n# b\n", "1:1: holds no document"),
    ("null", "---\n", "2:1: expected a mapping, found a text"),
    ("list", "- a", "1:1: expected a mapping, found a list"),
    ("text", "\n\na", "3:1: expected a mapping, found a text"),
    ("empty mapping", "{}", "1:1: empty mapping"),
    ("depth 17", nested(17), "1:19: a" + "[0]" * 15 + ": nested deeper than 16 levels"),
    ("depth 900", nested(900), "1:19: a" + "[0]" * 15 + ": nested deeper than 16 levels"),
    ("NUL", "a: b\0", "1:5: control character U+0000"),
    ("escape", "a:\n  \x1b[2J", "2:3: control character U+001B"),
    ("C1 control", "a: \x9b", "1:4: control character U+009B"),
    ("byte order mark inside", "a: \ufeffb", "1:4: control character U+FEFF"),
    ("second byte order mark", "\ufeff\ufeffa: b", "1:1: control character U+FEFF"),
    ("noncharacter", "a: \uffff", "1:4: control character U+FFFF"),
]


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in YAML], ids=[r[0] for r in YAML])
def test_refuses_what_of_yaml_has_two_readings(text: str, expected: str) -> None:
    assert refusal(text) == expected


def test_depth_16_is_still_read() -> None:
    assert section(nested(16)).take("a")


OCTETS = [
    ("UTF-16", "a: b".encode("utf-16"), "1:1: not UTF-8: octet 0xff"),
    ("UTF-16 without mark", "a: b".encode("utf-16-le"), "1:2: control character U+0000"),
    ("Latin-1", "a: b\nc: \u00e9d".encode("latin-1"), "2:4: not UTF-8: octet 0xe9"),
    (
        "after wide characters",
        "a: \U0001f512\u00e9".encode() + b"\x80",
        "1:6: not UTF-8: octet 0x80",
    ),
    ("overlong", b"a: \xc0\x80", "1:4: not UTF-8: octet 0xc0"),
    ("surrogate", b"a: \xed\xa0\x80", "1:4: not UTF-8: octet 0xed"),
    ("cut", b"a: \xc3", "1:4: not UTF-8: octet 0xc3"),
    ("CRLF counts once", b"a: b\r\nc: \xff", "2:4: not UTF-8: octet 0xff"),
]


@pytest.mark.parametrize(
    ("octets", "expected"), [row[1:] for row in OCTETS], ids=[row[0] for row in OCTETS]
)
def test_refuses_what_is_no_utf_8(octets: bytes, expected: str) -> None:
    assert refusal(octets) == expected


SYNTAX = [
    ("open list", "a: [b", "2:1: not valid YAML: did not find expected ',' or ']'"),
    ("open quote", "a: 'b", "1:6: not valid YAML: found unexpected end of stream"),
    ("tab", "a:\n\tb: c", "2:1: not valid YAML: found character that cannot start any token"),
    (
        "two colons",
        "a: b: c",
        "1:5: not valid YAML: mapping values are not allowed in this context",
    ),
    ("escape", 'a: "\\q"', "1:5: not valid YAML: found unknown escape character"),
    ("beyond Unicode", 'a: "\\U00110000"', "1:7: not valid YAML: found invalid Unicode"),
    ("lone surrogate", 'a: "\\ud800"', "1:7: not valid YAML: found invalid Unicode"),
    ("version 2", "%YAML 2.0\n---\na: b", "1:1: not valid YAML: found incompatible YAML document"),
    (
        "long version",
        f"%YAML {'1' * 9999}.1\n---\na: b",
        "1:16: not valid YAML: found extremely long",
    ),
    (
        "directive only",
        "%YAML 1.1\n",
        "2:1: not valid YAML: did not find expected <document start>",
    ),
    ("unknown handle", "a: !b!c d", "1:4: not valid YAML: found undefined tag handle"),
]


@pytest.mark.skipif(document.LOADER is yaml.SafeLoader, reason="PyYAML without libyaml")
@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in SYNTAX], ids=[row[0] for row in SYNTAX]
)
def test_syntax_errors_have_their_place(text: str, expected: str) -> None:
    assert refusal(text).startswith(expected)


@pytest.mark.parametrize("text", [row[1] for row in SYNTAX], ids=[row[0] for row in SYNTAX])
def test_syntax_errors_of_the_slow_parser_are_policy_errors(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "LOADER", yaml.SafeLoader)

    assert refusal(text)


def test_refuses_files_over_the_limit() -> None:
    octets = policy().encode() + b"#" * document.MAX_OCTETS

    with pytest.raises(PolicyError, match=f"^{PATH}: larger than 4194304 octets$"):
        parse_policy(octets, PATH)


def test_reads_files_up_to_the_limit() -> None:
    octets = policy().encode()

    parse_policy(octets + b"#" * (document.MAX_OCTETS - len(octets)), PATH)


def test_refuses_more_nodes_than_memory_should_hold() -> None:
    text = "a: [" + "b," * document.MAX_NODES + "]"

    assert refusal(text) == "1:399999: a[199997]: more than 200000 values and keys"


@pytest.mark.usefixtures("_parser")
def test_a_byte_order_mark_in_front_moves_no_place() -> None:
    assert refusal("\ufeffa: *b") == "1:4: a: aliases are not allowed"


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize("head", ["%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "---\n", "# note\n"])
def test_directives_and_comments_may_stand_in_front(head: str) -> None:
    assert parse_policy(f"{head}{policy()}...\n".encode(), PATH).name == "test"


KEYS = [
    ("duplicate", "a: b\nc: d\na: e", "3:1: a: duplicate key, first in line 1"),
    ("duplicate, quoted", 'a: {b: c, "b": d}', "1:11: a.b: duplicate key, first in line 1"),
    ("duplicate, odd", "a b: c\n'a b': d", "2:1: 'a b': duplicate key, first in line 1"),
    ("list as key", "a: {? [b] : c}", "1:7: a: expected a text as key, found a list"),
    ("mapping as key", "{a: b}: c", "1:1: expected a text as key, found a mapping"),
    ("nothing as key", "{'': a}", "1:2: '': unknown key"),
    ("unknown", "a:\n  b: c", "2:3: a.b: unknown key"),
    ("unknown, dotted", "a: {b.c: d}", "1:5: a.'b.c': unknown key"),
    ("unknown, hidden", 'a: {"\\e\\u202eb": d}', "1:5: a.'\\x1b\\u202eb': unknown key"),
    ("unknown, long", f"a: {{{'b' * 90}: d}}", f"1:5: a.'{'b' * 64}...': unknown key"),
]


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in KEYS], ids=[r[0] for r in KEYS])
def test_refuses_keys_at_their_place(text: str, expected: str) -> None:
    with pytest.raises(PolicyError) as caught:
        _finish(section(text))

    assert str(caught.value) == f"{PATH}:{expected}"


def _finish(top: Section) -> None:
    below = top.take("a")
    if below:
        below.section().finish()
    top.finish()


def test_finish_accepts_a_section_of_which_all_is_taken() -> None:
    top = section("a: b")
    assert "a" in top
    assert top.need("a").text == "b"
    assert "a" not in top

    top.finish()


def test_missing_keys_point_at_their_mapping() -> None:
    value = section("a:\n  b: c").need("a")

    with pytest.raises(PolicyError, match=r"^p.yaml:2:3: a.d: required key is missing$"):
        value.section().need("d")


def test_optional_keys_have_their_default() -> None:
    top = section("a: b")

    assert top.given("a", lambda value: value.text, "c") == "b"
    assert top.given("a", lambda value: value.text, "c") == "c"
    assert top.take("a") is None


@pytest.fixture
def scalars() -> Iterator[Value]:
    return iter(
        section("a: [no, 0755, 1e3, ~, 2026-11-01, 0x1f, '7', \"x\\ty\", 1_0]").need("a").items()
    )


def test_scalars_are_text_as_it_was_written(scalars: Iterator[Value]) -> None:
    assert [(value.text, value.quoted) for value in scalars if value.quoted is not value.plain] == [
        ("no", False),
        ("0755", False),
        ("1e3", False),
        ("~", False),
        ("2026-11-01", False),
        ("0x1f", False),
        ("7", True),
        ("x\ty", True),
        ("1_0", False),
    ]


def test_block_scalars_are_not_quoted() -> None:
    value = section("a: |\n  b\n").need("a")

    assert (value.text, value.quoted, value.plain) == ("b\n", False, False)


SHAPES = [
    ("a: [b]", "text", "1:4: a: expected a text, found a list"),
    ("a: {b: c}", "text", "1:4: a: expected a text, found a mapping"),
    ("a: b", "items", "1:4: a: expected a list, found a text"),
    ("a: b", "section", "1:4: a: expected a mapping, found a text"),
    ("a: []", "items", "1:4: a: empty list"),
    ("a: {}", "section", "1:4: a: empty mapping"),
    ("a:", "section", "1:3: a: expected a mapping, found a text"),
]


@pytest.mark.parametrize(("text", "verb", "expected"), SHAPES)
def test_refuses_other_shapes_than_asked_for(text: str, verb: str, expected: str) -> None:
    value = section(text).need("a")

    with pytest.raises(PolicyError) as caught:
        {"text": lambda: value.text, "items": value.items, "section": value.section}[verb]()

    assert str(caught.value) == f"{PATH}:{expected}"


def test_places_of_keys_and_values_are_kept_by_path() -> None:
    kept = Document(PATH)
    top = open_section(b"a:\n  - b: c\n", kept)
    top.need("a").items()[0].section().need("b")

    assert kept.keys == {"a": (1, 1), "a[0].b": (2, 5)}
    assert kept.values == {"": (1, 1), "a": (2, 3), "a[0]": (2, 5), "a[0].b": (2, 8)}
