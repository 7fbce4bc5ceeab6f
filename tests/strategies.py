"""What Hypothesis sends: JSON and worse, structures that lie, responses with members replaced."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tests.aik import ALG, CURVE, NULL, Aik, ecc_aik, ecc_signature, rsa_aik, rsa_signature
from tests.build import MAGIC, TYPE, VALUES, ResponseLies, quote, response

MEMBERS = ("is_available", "pcr_banks", "pcr_values", "quote_b64", "signature_b64")
NAMES = (*MEMBERS, "aik_pubkey_b64", "endorsement", "event_log_b64", "ima_log_b64")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "AAEC", "maximum", "sha256", "sha256:0", "7", "07", "\x00", "\u202e", ":", "\\u003a"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 2**63, 2**64, -(2**63) - 1, 10**400])
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
names = texts | st.sampled_from(["_metadata", "tpm_attestation", *NAMES])
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
)
worse_scalars: st.SearchStrategy[Any] = (
    scalars
    | st.binary(max_size=4)
    | st.text(max_size=4)
    | st.floats()
    | st.complex_numbers()
    | st.decimals()
    | st.uuids()
    | st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), object(), len, bytearray(b"x"), ...])
    | st.sampled_from(["\ud800", "\udfff\ud800"])
)
worse_values: st.SearchStrategy[Any] = st.recursive(
    worse_scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.frozensets(texts | st.integers(), max_size=2)
        | st.dictionaries(names | st.integers() | st.none() | st.binary(), inner, max_size=3)
    ),
)


def paths(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON value, the whole of it first."""
    found = [above]
    if isinstance(value, (dict, list)):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for name, member in inner:
            found += paths(member, (*above, name))
    return found


def replaced(whole: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value at one place."""
    if not path:
        return value
    whole = copy.deepcopy(whole)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return whole


HONEST = response()
_PATHS = paths(HONEST)
_EVIDENCE_PATHS = [path for path in _PATHS if "tpm_attestation" in path]


def altered(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A whole response in which one or two places hold something else."""
    places = st.sampled_from(_PATHS[1:]) | st.sampled_from(_EVIDENCE_PATHS)
    changes = st.lists(st.tuples(places, values), min_size=1, max_size=2)
    return changes.map(_changed)


def _changed(changes: list[tuple[tuple[str | int, ...], Any]]) -> Any:
    whole: Any = HONEST
    for path, value in changes:
        try:
            whole = replaced(whole, path, value)
        except (TypeError, KeyError, IndexError):
            continue  # the place went with the change before
    return whole


def added(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A whole response with further members in its attestation."""
    return st.dictionaries(names, values, max_size=3).map(lambda more: response(attestation=more))


def deep(depths: st.SearchStrategy[int]) -> st.SearchStrategy[dict[str, Any]]:
    """A whole response with one member of this many levels."""

    def nested(depth: int) -> dict[str, Any]:
        value: Any = 0
        for level in range(depth):
            value = [value] if level % 2 else {"a": value}
        return response(completion={"choices": value})

    return depths.map(nested)


documents = json_values | altered(json_values) | added(json_values) | deep(st.integers(55, 70))
algorithms = st.sampled_from(sorted(ALG.values())) | st.integers(0, 0xFFFF)
attributes = st.integers(0, 2**32 - 1) | st.sampled_from([0x00050072, 0x00050076])
moduli = st.binary(max_size=520) | st.integers(1, 512).map(lambda size: b"\xff" * size)


@st.composite
def publics(draw: st.DrawFn) -> tuple[Aik, bytes]:
    """A key, and a public area that says anything of it."""
    aik = draw(st.sampled_from([rsa_aik(), ecc_aik(), ecc_aik("nist-p521")]))
    lies: st.SearchStrategy[Any] = st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from([0x0001, 0x0023]) | algorithms,
            "name_alg": algorithms,
            "attributes": attributes,
            "auth_policy": st.binary(max_size=70),
            "symmetric": st.just(NULL) | st.binary(max_size=4),
            "scheme": algorithms,
            "scheme_hash": algorithms,
            "key_bits": st.integers(0, 0xFFFF),
            "exponent": st.integers(0, 2**32 - 1),
            "modulus": moduli,
            "curve": st.sampled_from(sorted(CURVE.values())) | st.integers(0, 0xFFFF),
            "kdf": st.just(NULL) | st.binary(max_size=4),
            "x": st.binary(max_size=130),
            "y": st.binary(max_size=130),
            "trailing": st.binary(max_size=2),
        },
    )
    return aik, aik.claiming(**draw(lies)).public()


@st.composite
def signatures(draw: st.DrawFn, size: int = 256) -> bytes:
    """TPMT_SIGNATURE of any scheme and hash; RSA ones often as long as asked for."""
    scheme, hash_alg = draw(algorithms), draw(algorithms)
    if draw(st.booleans()):
        parts = st.binary(max_size=130)
        return ecc_signature(draw(parts), draw(parts), scheme=scheme, hash_alg=hash_alg)
    octets = draw(st.binary(min_size=size, max_size=size) | st.binary(max_size=514))
    return rsa_signature(octets, scheme=scheme, hash_alg=hash_alg)


@st.composite
def small_keys(draw: st.DrawFn) -> ResponseLies:
    """An RSA key of any size that agrees with its signature in every outward respect."""
    scheme = draw(st.sampled_from(["rsassa", "rsapss"]))
    hash_alg = draw(st.sampled_from(["sha1", "sha256", "sha384", "sha512", "sha3_512"]))
    size = draw(st.integers(1, 512))
    aik = rsa_aik(scheme=scheme, hash_alg=hash_alg)
    forged = rsa_signature(b"\1" * size, scheme=scheme, hash_alg=hash_alg)
    public = aik.public(modulus=b"\xff" * size, key_bits=8 * size)
    return {"public": public, "signature": forged}


@st.composite
def quotes(draw: st.DrawFn) -> bytes:
    """TPMS_ATTEST that says anything."""
    banks = st.sampled_from(sorted(ALG)) | st.integers(0, 0xFFFF)
    chosen = st.lists(st.integers(0, 23), max_size=5) | st.binary(max_size=5)
    lies: st.SearchStrategy[Any] = st.fixed_dictionaries(
        {},
        optional={
            "magic": st.just(MAGIC) | st.integers(0, 2**32 - 1),
            "type": st.sampled_from(sorted(TYPE.values())) | st.integers(0, 0xFFFF),
            "signer": st.binary(max_size=70),
            "extra_data": st.binary(max_size=68),
            "clock": st.integers(0, 2**64 - 1),
            "safe": st.integers(0, 255),
            "selection": st.lists(st.tuples(banks, chosen), max_size=4),
            "count": st.integers(0, 20),
            "digest": st.binary(max_size=66),
            "body": st.binary(max_size=40),
            "trailing": st.binary(max_size=2),
        },
    )
    return quote(rsa_aik(), VALUES, **draw(lies))


def written(dumps: Callable[..., str] = json.dumps) -> st.SearchStrategy[Callable[[Any], bytes]]:
    """Ways to write one document as octets."""
    ascii_only, indent = st.booleans(), st.sampled_from([None, 0, 2])
    return st.tuples(ascii_only, indent).map(
        lambda way: lambda value: dumps(value, ensure_ascii=way[0], indent=way[1]).encode()
    )
