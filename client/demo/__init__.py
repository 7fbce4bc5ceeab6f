"""An embedded server for demonstration and tests: canned answers, and evidence made for them.

It speaks the protocol as the server. Nothing it says proves anything of a machine.
"""

from pathlib import Path

POLICY = Path(__file__).with_name("demo.yaml")
"""The policy of the demonstration, and the only one that may hold its golden values."""
