"""Lets the tests of sweeps read the truth that those of the mathematical core share."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "stemwright"))
