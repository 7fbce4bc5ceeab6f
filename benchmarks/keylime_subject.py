"""One measured process of keylime, in its own environment: prints seconds a quote.

``python keylime_subject.py FOLDER KIND``
"""

import json
import sys
import time
from pathlib import Path

from keylime.tpm import tpm_util


def main(place: str, kind: str) -> None:
    """Check each quote once, the first one to warm up; a refusal raises."""
    lines = Path(place, f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
    made = [json.loads(line) for line in lines]
    names = ("nonce", "signature", "quote", "pcrs")
    first, *others = (
        (one["pem"].encode(), *(bytes.fromhex(one[name]) for name in names), one["hash"])
        for one in made
    )
    tpm_util.checkquote(*first)
    start = time.perf_counter()
    for item in others:
        tpm_util.checkquote(*item)
    print((time.perf_counter() - start) / len(others))


if __name__ == "__main__":
    main(*sys.argv[1:])
