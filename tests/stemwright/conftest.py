"""Lets the tests of the mathematical core read the truth they share, in `gaussian_tracks.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
