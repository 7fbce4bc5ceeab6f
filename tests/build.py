"""Honest octets with software keys: quotes, whole responses, policies that fit them.

Every maker tells the truth unless a keyword says otherwise, so a test tells exactly one lie:
``response(lies={"magic": 0})``. Nothing here comes from the package under test.
"""

import base64
import hashlib
import json
import re
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from tests.aik import Aik, alg, digest, rsa_aik, sized

Values = Mapping[str, Mapping[int, bytes]]
"""PCR values: bank -> PCR number -> octets."""
Selection = Sequence[tuple[str | int, Sequence[int] | bytes]]
"""TPML_PCR_SELECTION: banks with PCR numbers, or with a raw bitmap."""

MAGIC: Final = 0xFF544347
TYPE: Final = {
    "nv": 0x8014,
    "command-audit": 0x8015,
    "session-audit": 0x8016,
    "certify": 0x8017,
    "quote": 0x8018,
    "time": 0x8019,
    "creation": 0x801A,
    "nv-digest": 0x801C,
}
PAYLOAD_ID: Final = "5d6c9d4e-9a5a-4f0e-8a0c-3f0d2b7e9c11"
VALUES: Final[Values] = {
    "sha256": {
        0: digest("sha256", b"firmware"),
        7: digest("sha256", b"secure boot"),
        10: digest("sha256", b"measured files"),
    }
}


class QuoteLies(TypedDict, total=False):
    """What a TPMS_ATTEST may say; the nonce of ``PAYLOAD_ID`` and the truth by default."""

    magic: int
    type: int
    signer: bytes
    extra_data: bytes
    clock: int
    reset_count: int
    restart_count: int
    safe: int
    firmware: int
    selection: Selection
    count: int
    digest: bytes
    body: bytes
    trailing: bytes


class ResponseLies(TypedDict, total=False):
    """What a response may say in place of the truth; ``drop`` takes dotted paths of members."""

    framing: str
    quote: bytes
    signature: bytes
    public: bytes
    pcr_values: object
    pcr_banks: object
    attestation: Mapping[str, object]
    metadata: Mapping[str, object]
    completion: Mapping[str, object]
    drop: Collection[str]


def nonce_of(payload_id: str) -> bytes:
    """The qualifying data that the wire demands for a payload id: 16 octets."""
    return hashlib.sha256(payload_id.encode()).digest()[:16]


def bitmap(indices: Sequence[int], size: int = 3) -> bytes:
    """The pcrSelect octets with these PCRs set."""
    bits = sum(1 << index for index in set(indices))
    return bits.to_bytes(size, "little")


def pcr_selection(selection: Selection, count: int | None = None) -> bytes:
    """TPML_PCR_SELECTION, with a true count unless another is given."""
    octets = struct.pack(">I", len(selection) if count is None else count)
    for bank, chosen in selection:
        bits = chosen if isinstance(chosen, bytes) else bitmap(chosen)
        octets += struct.pack(">HB", alg(bank), len(bits)) + bits
    return octets


def pcr_digest(hash_alg: str, values: Values, selection: Selection | None = None) -> bytes:
    """The digest that a TPM makes: banks in the order of the selection, then PCRs ascending."""
    order = [bank for bank, _ in selection] if selection is not None else list(values)
    parts = [
        values[bank][index]
        for bank in order
        if isinstance(bank, str) and bank in values
        for index in sorted(values[bank])
    ]
    return digest(hash_alg, *parts)


def selection_of(values: Values) -> Selection:
    """The selection that covers exactly these values."""
    return [(bank, sorted(pcrs)) for bank, pcrs in values.items()]


def quote(aik: Aik, values: Values, **lies: Unpack[QuoteLies]) -> bytes:
    """TPMS_ATTEST of type quote over the values, as the key's TPM would make it."""
    selection = lies.get("selection", selection_of(values))
    seen = lies.get("digest", pcr_digest(aik.hash_alg, values, selection))
    body = pcr_selection(selection, lies.get("count")) + sized(seen)
    return attestation("quote", aik, body, lies)


def other(kind: str, aik: Aik, **lies: Unpack[QuoteLies]) -> bytes:
    """TPMS_ATTEST of another type than quote: ``certify``, ``time``, ``creation`` or ``nv``."""
    name, some = aik.name, digest(aik.hash_alg, b"something else")
    body = {
        "certify": sized(name) + sized(aik.qualified_name()),
        "time": struct.pack(">QQIIBQ", 4242, 123_456, 7, 2, 1, 0x2023),
        "creation": sized(name) + sized(some),
        "nv": sized(name) + struct.pack(">H", 0) + sized(some),
    }[kind]
    return attestation(kind, aik, body, lies)


def attestation(kind: str, aik: Aik, body: bytes, lies: QuoteLies) -> bytes:
    """TPMS_ATTEST: the header that all types share, then the body."""
    return (
        struct.pack(">IH", lies.get("magic", MAGIC), lies.get("type", TYPE[kind]))
        + sized(lies.get("signer", aik.qualified_name()))
        + sized(lies.get("extra_data", nonce_of(PAYLOAD_ID)))
        + struct.pack(
            ">QIIBQ",
            lies.get("clock", 123_456),
            lies.get("reset_count", 7),
            lies.get("restart_count", 2),
            lies.get("safe", 1),
            lies.get("firmware", 0x2023_0001_0000_0000),
        )
        + lies.get("body", body)
        + lies.get("trailing", b"")
    )


def banks_text(values: Values) -> str:
    """The selection as tpm2-tools spells it: ``sha1:0,7+sha256:10``."""
    return "+".join(f"{bank}:{','.join(map(str, sorted(values[bank])))}" for bank in values)


def hex_values(values: Values) -> dict[str, dict[str, str]]:
    """The ``pcr_values`` member."""
    return {
        bank: {str(index): pcrs[index].hex() for index in sorted(pcrs)}
        for bank, pcrs in values.items()
    }


def base64_of(octets: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(octets).decode()


def response(
    aik: Aik | None = None,
    *,
    payload_id: str = PAYLOAD_ID,
    values: Values = VALUES,
    tier: str = "maximum",
    quoted: QuoteLies | None = None,
    **lies: Unpack[ResponseLies],
) -> dict[str, Any]:
    """A whole chat completion whose ``_metadata`` carries the attestation.

    Args:
        aik: The key; an RSA-2048 RSASSA-SHA256 key by default.
        payload_id: What the nonce answers and ``_metadata`` repeats.
        values: The PCRs that are quoted.
        tier: The tier that the server claims.
        quoted: Lies of the quote; it is signed with them.
        **lies: Lies of the response; octets of ``quote`` are signed unless a signature is given,
            and ``framing="TPM2B_ATTEST"`` wraps them.
    """
    aik = aik or rsa_aik()
    told: QuoteLies = {"extra_data": nonce_of(payload_id), **(quoted or {})}
    attest = lies["quote"] if "quote" in lies else quote(aik, values, **told)
    signature = lies["signature"] if "signature" in lies else aik.sign(attest)
    framed = sized(attest) if lies.get("framing") == "TPM2B_ATTEST" else attest
    evidence = {
        "is_available": True,
        "pcr_banks": lies.get("pcr_banks", banks_text(values)),
        "pcr_values": lies.get("pcr_values", hex_values(values)),
        "quote_b64": base64_of(framed),
        "signature_b64": base64_of(signature),
        "aik_pubkey_b64": base64_of(lies.get("public", aik.public())),
        **lies.get("attestation", {}),
    }
    whole = completion(evidence, payload_id=payload_id, tier=tier)
    whole["_metadata"] |= lies.get("metadata", {})
    whole |= lies.get("completion", {})
    for path in lies.get("drop", ()):
        _drop(whole, path.split("."))
    return whole


def completion(
    evidence: Mapping[str, object], *, payload_id: str = PAYLOAD_ID, tier: str = "maximum"
) -> dict[str, Any]:
    """A chat completion in the OpenAI shape around a ``tpm_attestation`` member."""
    message = {"role": "assistant", "content": "Hello, how can I help?"}
    return {
        "id": "chatcmpl-0001",
        "object": "chat.completion",
        "created": 1795500000,
        "model": "qwen3-8b",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16},
        "_metadata": {
            "payload_id": payload_id,
            "processed_at": 1795500001,
            "is_encrypted": True,
            "encryption_algorithm": "hybrid-aes256-rsa4096",
            "response_status": "success",
            "security_tier": tier,
            "memory_protection": {"platform": "linux", "memory_locking": True},
            "cuda_device": {"available": False},
            "tpm_attestation": dict(evidence),
        },
    }


def policy_text(values: Values = VALUES, **members: object) -> str:
    """A YAML policy that the values satisfy: PCR 10 extended, all others golden.

    Args:
        values: The PCRs that the policy names.
        **members: Members in place of the defaults; ``None`` leaves one out. Octets become
            quoted hexadecimal digits.
    """
    golden = {b: {i: v for i, v in p.items() if i != 10} for b, p in values.items()}
    rules = {b: {10: "extended"} for b, p in values.items() if 10 in p}
    whole: dict[str, object] = {"schema": 1, "name": "golden", "aik": {"trust": "unanchored"}}
    if rules:
        whole["pcrs"] = rules
    if any(golden.values()):
        whole["baselines"] = [{"name": "release-a", "pcrs": {b: p for b, p in golden.items() if p}}]
    whole |= members
    return yaml_text({name: value for name, value in whole.items() if value is not None})


def yaml_text(mapping: Mapping[Any, object]) -> str:
    """YAML in block style, with every octet string as quoted hexadecimal digits."""
    return "\n".join(_lines(mapping)) + "\n"


def _lines(mapping: Mapping[Any, object]) -> Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield f"{key}:"
            yield from (f"  {line}" for line in _lines(value))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{key}:"
            for item in value:
                first, *rest = _lines(item)
                yield f"  - {first}"
                yield from (f"    {line}" for line in rest)
        elif isinstance(value, list):
            yield f"{key}: [{', '.join(map(_scalar, value))}]"
        else:
            yield f"{key}: {_scalar(value)}"


def _scalar(value: object) -> str:
    if isinstance(value, bytes):
        return f'"{value.hex()}"'
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z0-9]+([ ._:+-]?[A-Za-z0-9]+)*", text)
    return text if plain else json.dumps(text)


def _drop(whole: dict[str, Any], path: Sequence[str]) -> None:
    *above, last = path
    for name in above:
        whole = whole[name]
    del whole[last]
