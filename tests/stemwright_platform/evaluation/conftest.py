"""Where the modules that tests of this folder share are found."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
