"""``python -m attest``: the command ``attest``."""

from attest.cli import main

if __name__ == "__main__":
    main(prog_name="attest")
