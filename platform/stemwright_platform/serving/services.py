"""What the API's calls work with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from stemwright_platform.serving.blobs import BlobStore
from stemwright_platform.serving.compositions import Compositions
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.models import ServedModels
from stemwright_platform.serving.queue import GenerationQueue
from stemwright_platform.serving.settings import ServingSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """The state behind an application; every process that serves it opens its own."""

    settings: ServingSettings
    """What was configured."""
    database: Database
    compositions: Compositions
    queue: GenerationQueue
    models: ServedModels
    blobs: BlobStore

    @classmethod
    def open(cls, settings: ServingSettings, clock: Callable[[], float] = time.time) -> "Services":
        """Open database and blobs, making them where they lack."""
        database = Database(settings.database_url)
        return cls(
            settings=settings,
            database=database,
            compositions=Compositions(database, clock),
            queue=GenerationQueue(database, clock),
            models=ServedModels(database, clock),
            blobs=BlobStore(settings.blob_url),
        )


def _of_request(request: Request) -> Services:
    return request.app.state.services


ServicesOfCall = Annotated[Services, Depends(_of_request)]
"""A call's parameter."""
