"""What the API's calls and the dispatcher work with."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from stemwright_platform.serving.blobs import BlobStore
from stemwright_platform.serving.compositions import Compositions
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.keys import Keys
from stemwright_platform.serving.models import ServedModels
from stemwright_platform.serving.queue import GenerationQueue
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.tables import Composition


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
    keys: Keys
    clock: Callable[[], float]

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
            keys=Keys(database, clock),
            clock=clock,
        )

    def model_of(self, composition: Composition) -> ModelFacts:
        """What makes a composition's takes. 503 before it was there once."""
        return self.models.get(composition.model_uri or self.settings.model)

    def of(self, owner: str) -> "Services":
        """As an owner sees them: whatever is another's is not there."""
        return replace(
            self,
            compositions=Compositions(self.database, self.clock, owner),
            queue=GenerationQueue(self.database, self.clock, owner=owner),
        )
