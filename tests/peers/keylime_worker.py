"""Judges quotes with keylime: runs in keylime's own environment, one case a line each way.

A line in is ``{"key": PEM, "nonce", "signature", "quote", "pcrs": hex, "hash": name}``; the line
out is null where keylime accepts, else what it says.
"""

import json
import sys

from keylime.tpm import tpm_util


def verdict(case: dict[str, str]) -> str | None:
    """Ask keylime; whatever it raises is a refusal."""
    nonce, signature, quote, pcrs = (
        bytes.fromhex(case[name]) for name in ("nonce", "signature", "quote", "pcrs")
    )
    key = case["key"].encode()
    try:
        tpm_util.checkquote(key, nonce, signature, quote, pcrs, case["hash"])
    except Exception as error:  # noqa: BLE001 - it raises bare exceptions
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(verdict(json.loads(line))) + "\n")
