"""The commands as a user gives them, from a benchmark."""

import subprocess
import sys

CLI = "from stemwright_platform.cli import main; main()"


def stemwright(*arguments: object) -> None:
    """Run a command to its end; CalledProcessError where it fails."""
    subprocess.run([sys.executable, "-c", CLI, *map(str, arguments)], check=True)
