"""A run that is killed: ``python -m tests.replay.killed OUT POLICY ARCHIVE PARTS PROCESSES [NOW]``.

After so many parts, which have three rows, it kills itself with SIGKILL. With a second policy it is
the drift from one to the other.
"""

import os
import signal
import sys
from pathlib import Path

from attest.policy.loader import load_policy
from attest.replay import batching
from attest.replay.drift import drift
from attest.replay.manifest import At, Run
from attest.replay.run import Options, Watch, replay


def main(  # noqa: PLR0913 - one parameter a word
    out: str, policy: str, archive: str, parts: str, processes: str, now: str | None = None
) -> None:
    batching.BATCH_ROWS = 3  # type: ignore[misc]  # small parts, as the test has them
    left = int(parts)

    def progress(_: int, rows: int) -> None:
        nonlocal left
        left -= rows > 0
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    options = Options(int(processes), watch=Watch(lambda _: None, progress))
    run, *second = [
        Run((archive,), path, load_policy(path), At("evidence"))
        for path in (policy, now)
        if path is not None
    ]
    if second:
        drift(run, second[0], Path(out), options)
    else:
        replay(run, Path(out), options)


if __name__ == "__main__":
    main(*sys.argv[1:])
