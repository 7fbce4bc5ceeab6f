"""A run that is killed: ``python -m tests.replay.killed OUT POLICY ARCHIVE PARTS PROCESSES``.

After so many parts, which have three rows, it kills itself with SIGKILL.
"""

import os
import signal
import sys
from pathlib import Path

from attest.policy.loader import load_policy
from attest.replay import batching
from attest.replay.manifest import At, Run
from attest.replay.run import Options, Watch, replay


def main(out: str, policy: str, archive: str, parts: str, processes: str) -> None:
    batching.BATCH_ROWS = 3  # type: ignore[misc]  # small parts, as the test has them
    left = int(parts)

    def progress(_: int, rows: int) -> None:
        nonlocal left
        left -= rows > 0
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    run = Run((archive,), policy, load_policy(policy), At("evidence"))
    replay(run, Path(out), Options(int(processes), watch=Watch(lambda _: None, progress)))


if __name__ == "__main__":
    main(*sys.argv[1:])
