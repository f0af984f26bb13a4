"""What is made from the code is current."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_reference_pages_and_example_settings_are_made_from_this_code():
    made = subprocess.run(
        [sys.executable, str(ROOT / "scripts/reference.py"), "--check"], capture_output=True, text=True, check=False
    )

    assert made.returncode == 0, made.stdout + made.stderr
