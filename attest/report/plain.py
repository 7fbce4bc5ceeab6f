"""Plain words for a reader who knows no TPM: what checks, values and outcomes mean."""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {
    "evidence.present": "The server sent no proof of the state of its machine.",
    "evidence.form": "The proof is damaged or not in the form that was agreed, and cannot be read.",
    "quote.magic": "The statement was not made inside a TPM: software can write such a one.",
    "quote.type": "The TPM's statement is about something else than the state of the machine.",
    "quote.signature": "The statement was changed, or another key signed it than the one shown.",
    "quote.nonce": "The statement answers another request: it may be an old one, shown again.",
    "quote.selection": "The values that were shown are not those that the TPM signed for.",
    "quote.digest": "The values that were shown are not the values that the TPM signed.",
    "quote.signer": "The key that is shown is not the key that the TPM says it signed with.",
    "quote.clock": "The TPM cannot vouch that its clock and counters never went back.",
    "aik.attributes": "The signing key may sign anything, or may leave its TPM.",
    "aik.strength": "The signing key is too weak, or of a kind that can be broken.",
    "aik.scheme": "The signature was made in a way that the key or the policy does not allow.",
    "aik.trust": "Nobody vouches that the signing key belongs to a known machine.",
    "pcr.rules": "A measured value is not as the policy demands.",
    "pcr.baseline": "What the machine started is not a release that the policy knows as good.",
    "policy.scope": "No policy, or more than one, applies to this response.",
    "policy.validity": "The policy was not valid at the time of this response.",
    "response.tier": "The server reports another security tier than the one asked for.",
    "aik.certify": "What is said to vouch for the signing key is about another key, or is forged.",
    "aik.chain": "The certificate that is shown does not lead to a maker that the policy names.",
    "verifier.cross-check": "A second program, written by others, does not see the same.",
}
"""What it means where a check refuses, by the check's id."""

PCRS: Final = {
    0: "firmware code",
    1: "firmware settings",
    2: "code of add-in cards",
    3: "settings of add-in cards",
    4: "boot loader",
    5: "boot settings and disk partitions",
    6: "maker's own events",
    7: "Secure Boot: its state, keys and certificates",
    8: "boot loader's commands",
    9: "files that the boot loader read",
    10: "files that were run or read (IMA)",
    11: "kernel image and phases of the boot",
    12: "kernel's command line and overrides",
    13: "extensions of the system",
    14: "keys enrolled with shim",
    15: "identity of the machine and its disks",
    16: "debugging: any program can reset it",
    23: "applications: any program can reset it",
}
"""What a PCR measures on a PC, by the TCG's PC Client profile and Linux's habits."""

DYNAMIC: Final = "dynamic launch (DRTM)"

ASSURANCES: Final = {
    "anchored": "Signed by a key that the policy knows, or that a certificate which it trusts "
    "vouches for: it tells of a known TPM.",
    "self-consistent": "All signatures fit together, but any software could have made such a key: "
    "nothing ties it to a known machine.",
    "none": "Nothing was proven of a TPM.",
}
"""What was proven of the signing key."""

WORDS: Final = {
    "TPM": "A security chip in a machine. It keeps keys that never leave it, and signs with them.",
    "PCR": "A register in the TPM. While a machine starts, each program is measured into one "
    "before it runs. A PCR cannot be set back without starting the machine again.",
    "Quote": "A statement by the TPM, signed by it: these are the values of my PCRs now.",
    "Golden value": "The value that a PCR has on a machine in a known-good state. Golden values "
    "stand in the policy; somebody decided on them beforehand.",
    "Baseline": "The golden values of one release, such as one version of firmware. A machine must "
    "match one of them whole.",
    "Nonce": "A number made for one request. A quote that contains it was made after the request, "
    "and is no old one shown again.",
    "AIK": "The TPM's key that signs quotes.",
    "Anchor": "What ties the signing key to a known machine: a key that the policy names, or a "
    "certificate that leads to a maker whom it names.",
    "Policy": "The file that says what is accepted: golden values, keys, and until when.",
}
"""Words that the page cannot do without."""

NEVER: Final = (
    "Whether the golden values of the policy are those of a machine that deserves trust.",
    "What ran after the machine had started, but for what PCR 10 holds where a policy names it.",
    "Single events behind a PCR's value: boot event logs and IMA lists are not read.",
    "What happened between two responses. Each quote tells of one moment.",
    "The content of requests and answers, and who read them.",
    "Where a machine stands, and who has hands on it.",
    "Responses that are not in these inputs. Only a gate's archive shows that records are missing.",
)
"""What no run judges."""


def pcr_meaning(index: int) -> str:
    """Say what a PCR measures."""
    return PCRS.get(index, DYNAMIC)
