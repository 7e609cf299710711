"""Writes the API's OpenAPI document, from which the studio's client is made.

python web/write_openapi.py web/openapi.json
"""

import json
import sys
import tempfile
from pathlib import Path

from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.settings import ServingSettings


def document() -> str:
    """As text, the same from every machine."""
    with tempfile.TemporaryDirectory() as folder:
        settings = ServingSettings(
            model="none", database_url=f"sqlite:///{folder}/state.sqlite", blob_url=f"{folder}/blobs"
        )
        services = Services.open(settings)
        try:
            return json.dumps(create_api(services).openapi(), indent=1, sort_keys=True) + "\n"
        finally:
            services.database.close()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document())
