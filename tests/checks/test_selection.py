"""``quote.selection``: signed selection, reported values and reported banks are one set."""

import pytest

from attest.checks import selection as check
from tests import aik, build
from tests.judging import answer, refusing, verified

CHECK = "quote.selection"
EQUAL = ("pass", "signed selection, pcr_values and pcr_banks agree")
SIGNED = "signed are sha256:0,7,10"
SHA1 = {0: bytes(20), 7: bytes(20)}
TWO: build.Values = {"sha256": build.VALUES["sha256"], "sha1": SHA1}
ALL = {"sha256": {index: bytes(31) + bytes([index]) for index in range(24)}}
BITS = build.bitmap


@pytest.fixture(autouse=True)
def anew() -> None:
    """Each claim is read anew, and not from the answers that are kept for equal selections."""
    check._selections.cache_clear()  # noqa: SLF001 - kept for speed alone


def reporting(**changes: dict[str, str] | None) -> dict[str, dict[str, str]]:
    """The honest ``pcr_values`` with other banks; None leaves a bank out."""
    values = {**build.hex_values(build.VALUES), **changes}
    return {bank: pcrs for bank, pcrs in values.items() if pcrs is not None}


def test_selection_passes_where_the_three_sets_are_equal() -> None:
    assert answer(verified(), CHECK) == EQUAL


def test_selection_passes_on_all_pcrs_of_a_bank() -> None:
    assert answer(verified(values=ALL), CHECK) == EQUAL


@pytest.mark.parametrize("index", range(24))
def test_selection_passes_on_each_pcr(index: int) -> None:
    assert answer(verified(values={"sha256": {index: b"\1" * 32}}), CHECK) == EQUAL


@pytest.mark.parametrize("index", range(24, 32))
def test_selection_fails_on_a_pcr_that_no_tpm_has(index: int) -> None:
    selection: build.Selection = [("sha256", BITS([0, 7, 10, index], 4))]
    reason = f"the signed selection has PCR {index}, which no TPM has"
    assert answer(verified(quoted={"selection": selection}), CHECK) == ("fail", reason)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_selection_passes_on_bitmaps_of_any_size_that_holds_it(size: int) -> None:
    selection: build.Selection = [("sha256", BITS([0, 7, 10], size))]
    assert answer(verified(quoted={"selection": selection}), CHECK) == EQUAL


def test_selection_passes_on_a_bitmap_of_one_octet() -> None:
    values = {"sha256": {7: b"\1" * 32}}
    selection: build.Selection = [("sha256", BITS([7], 1))]
    assert answer(verified(values=values, quoted={"selection": selection}), CHECK) == EQUAL


@pytest.mark.parametrize("size", [0, 5])
def test_selection_is_skipped_on_bitmaps_of_no_octet_or_five(size: int) -> None:
    selection: build.Selection = [("sha256", bytes(size))]
    result = verified(quoted={"selection": selection})
    assert answer(result, CHECK) == ("skip", "the quote could not be read")


@pytest.mark.parametrize("order", [("sha256", "sha1"), ("sha1", "sha256")])
def test_selection_passes_whatever_the_order_of_the_banks(order: tuple[str, ...]) -> None:
    selection = [(bank, sorted(TWO[bank])) for bank in order]
    assert answer(verified(values=TWO, quoted={"selection": selection}), CHECK) == EQUAL


@pytest.mark.parametrize("bank", ["sha1", "sha256", "sha384", "sha512"])
def test_selection_passes_on_every_common_bank(bank: str) -> None:
    values = {bank: {0: bytes(aik.digest(bank))}}
    assert answer(verified(values=values), CHECK) == EQUAL


@pytest.mark.parametrize("bank", ["sha3_256", "sha3_384", "sha3_512"])
def test_selection_passes_on_sha3_banks(bank: str) -> None:
    assert answer(verified(values={bank: {0: aik.digest(bank)}}), CHECK) == EQUAL


def test_selection_ignores_an_empty_bitmap_beside_others() -> None:
    selection: build.Selection = [("sha1", []), ("sha256", [0, 7, 10]), ("sha512", [])]
    assert answer(verified(quoted={"selection": selection}), CHECK) == EQUAL


@pytest.mark.parametrize("selection", [[], [("sha256", [])], [("sha1", []), ("sha256", [])]])
def test_selection_fails_on_a_quote_of_nothing(selection: build.Selection) -> None:
    result = verified(quoted={"selection": selection}, pcr_values={}, pcr_banks="")
    assert answer(result, CHECK) == ("fail", "the quote covers no PCR")


@pytest.mark.parametrize(
    ("bank", "name"),
    [(0x0012, "sm3_256"), (0x0099, "0x0099"), (0x0010, "null"), (0x0001, "rsa"), (0, "0x0000")],
)
@pytest.mark.parametrize("pcrs", [[0], []])
def test_selection_fails_on_a_bank_that_nobody_knows(bank: int, name: str, pcrs: list[int]) -> None:
    selection: build.Selection = [("sha256", [0, 7, 10]), (bank, pcrs)]
    reason = f"the signed selection has the unknown bank {name}"
    assert answer(verified(quoted={"selection": selection}), CHECK) == ("fail", reason)


@pytest.mark.parametrize("second", [[0, 7, 10], [0], []])
def test_selection_fails_on_a_bank_that_stands_twice(second: list[int]) -> None:
    selection: build.Selection = [("sha256", [0, 7, 10]), ("sha256", second)]
    reason = "the signed selection has the bank sha256 twice"
    assert answer(verified(quoted={"selection": selection}), CHECK) == ("fail", reason)


def test_selection_fails_on_values_that_were_relabelled() -> None:
    selection: build.Selection = [("sha256", [16, 17, 23])]
    reason = "signed are sha256:16,17,23, pcr_values has sha256:0,7,10"
    assert answer(verified(quoted={"selection": selection}), CHECK) == ("fail", reason)


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (reporting(sha256={"0": "00" * 32, "7": "00" * 32}), "sha256:0,7"),
        (
            reporting(sha256={str(index): "00" * 32 for index in (10, 7, 0, 11)}),
            "sha256:0,7,10,11",
        ),
        (reporting(sha256={}), "sha256:"),
        (reporting(sha256=None), "none"),
        (reporting(sha1={}), "sha256:0,7,10+sha1:"),
        (reporting(sha1={"0": "00" * 20}), "sha256:0,7,10+sha1:0"),
        (reporting(sha256=None, sha1={"0": "00" * 20}), "sha1:0"),
        (reporting(SHA256={"0": "00" * 32}), "sha256:0,7,10+SHA256:0"),
        (reporting(**{"\x1b[2J\u202e": {"0": "00"}}), r"sha256:0,7,10+\x1b[2J\u202e:0"),
    ],
)
def test_selection_fails_where_the_values_are_not_the_signed_set(
    values: object, written: str
) -> None:
    reason = f"{SIGNED}, pcr_values has {written}"
    assert answer(verified(pcr_values=values), CHECK) == ("fail", reason)


def test_selection_alone_refuses_one_value_too_many() -> None:
    values = build.hex_values(build.VALUES)
    values["sha256"]["23"] = "00" * 32
    assert refusing(verified(pcr_values=values)) == {CHECK}


def test_selection_cuts_the_banks_that_a_server_reports() -> None:
    reason = answer(verified(pcr_values=reporting(**{"b" * 500: {"0": "00"}})), CHECK)[1]
    assert reason == f"{SIGNED}, pcr_values has sha256:0,7,10+{'b' * 186}..."


@pytest.mark.parametrize(
    "banks", ["sha256:0,7,10", "sha256:10,7,0", "sha256:7,0,10"], ids=["up", "down", "mixed"]
)
def test_selection_reads_pcr_banks_as_a_set(banks: str) -> None:
    assert answer(verified(pcr_banks=banks), CHECK) == EQUAL


@pytest.mark.parametrize("index", range(24))
def test_selection_takes_no_unknown_word_for_a_pcr(index: int) -> None:
    listed = ",".join("x" if one == index else str(one) for one in range(24))
    assert answer(verified(values=ALL, pcr_banks=f"sha256:{listed}"), CHECK)[0] == "fail"


@pytest.mark.parametrize("banks", ["sha256:0,7,10+sha1:0,7", "sha1:7,0+sha256:0,10,7"])
def test_selection_reads_pcr_banks_in_any_order(banks: str) -> None:
    assert answer(verified(values=TWO, pcr_banks=banks), CHECK) == EQUAL


@pytest.mark.parametrize(
    "banks",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:all",
        "sha256:none",
        "all",
        "sha256:0,7",
        "sha256:0,7,10,11",
        "sha256:0,7,10,10",
        "sha256:0,7,7,10",
        "sha256:0, 7,10",
        " sha256:0,7,10",
        "sha256:0,7,10 ",
        "sha256:0,7,10\n",
        "sha256 :0,7,10",
        "sha256:0,7,10,",
        "sha256:,0,7,10",
        "sha256:0,,7,10",
        "sha256:0,7,10+",
        "+sha256:0,7,10",
        "sha256:0,7+sha256:10",
        "sha256:0,7,10+sha256:0,7,10",
        "sha256:0,7,10+sha1:",
        "sha256:0,7,10+sha1:0",
        "sha1:0,7,10",
        "SHA256:0,7,10",
        "sha2:0,7,10",
        "sha256:00,7,10",
        "sha256:0,07,10",
        "sha256:0,7,+10",
        "sha256:0,7,0xa",
        "sha256:0,7,-10",
        "sha256:0,7,24",
        "sha256:0,7,10,24",
        "sha256:0;7;10",
        "sha256:0,7,\u0661\u0660",
        "sha256::0,7,10",
        "0,7,10",
    ],
)
def test_selection_fails_where_pcr_banks_says_anything_else(banks: str) -> None:
    shown = banks.replace("\n", "\\n")
    assert answer(verified(pcr_banks=banks), CHECK) == (
        "fail",
        f'{SIGNED}, pcr_banks says "{shown}"',
    )


def test_selection_alone_refuses_pcr_banks_with_one_pcr_too_many() -> None:
    assert refusing(verified(pcr_banks="sha256:0,7,10,11")) == {CHECK}


@pytest.mark.parametrize(
    ("banks", "shown"),
    [
        ("\x1b[2J\u202e", r"\x1b[2J\u202e"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "..."),
        ("sha256:0,7,10" + ",10" * 1000, ("sha256:0,7,10" + ",10" * 1000)[:200] + "..."),
    ],
)
def test_selection_escapes_and_cuts_what_pcr_banks_says(banks: str, shown: str) -> None:
    reason = f'{SIGNED}, pcr_banks says "{shown}"'
    assert answer(verified(pcr_banks=banks), CHECK) == ("fail", reason)


def test_selection_reads_every_pcr_of_every_bank() -> None:
    banks = ("sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")
    values = {bank: {index: aik.digest(bank) for index in range(24)} for bank in banks}
    assert answer(verified(values=values), CHECK) == EQUAL


@pytest.mark.parametrize("member", ["pcr_values", "pcr_banks"])
def test_selection_fails_where_a_side_cannot_be_read(member: str) -> None:
    result = verified(drop=[f"_metadata.tpm_attestation.{member}"])
    assert answer(result, CHECK) == ("fail", "pcr_values or pcr_banks could not be read")


@pytest.mark.parametrize("kind", ["time", "certify", "nv", "creation"])
def test_selection_is_skipped_on_other_attestations(kind: str) -> None:
    result = verified(quote=build.other(kind, aik.rsa_aik()))
    assert answer(result, CHECK) == ("skip", "the signed structure is no quote")


def test_selection_is_skipped_without_a_readable_quote() -> None:
    assert answer(verified(quote=b""), CHECK) == ("skip", "the quote could not be read")


def test_selection_skipped_refuses() -> None:
    assert CHECK in refusing(verified(quote=b""))
