"""Which models are served, told by those who hold them."""

from collections.abc import Callable, Sequence

from sqlalchemy import select

from stemwright_platform.serving.database import Database
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.tables import ServedModel

FRESH_S = 30.0
"""A model whose dispatcher has been silent for longer counts as gone."""


class ServedModels:
    """The models table."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database, self._clock = database, clock

    def tell(self, facts: ModelFacts) -> None:
        """Say that a model is being served now."""
        row = ServedModel(uri=facts.uri, facts=facts.model_dump(), seen_at=self._clock())
        with self._database.write() as session:
            session.merge(row)

    def get(self, uri: str) -> ModelFacts:
        """A model's facts, also while its dispatcher is silent; 503 before it has told them once."""
        if (facts := self.last(uri)) is None:
            raise Refusal(503, "not_ready", "the model is still being loaded", "try again in a moment")
        return facts

    def named(self, uri: str) -> ModelFacts:
        """A model that is served now beside others; 422 where it is not."""
        fresh = {facts.uri: facts for facts in self.fresh()}
        if uri not in fresh:
            served = ", ".join(fresh) or "none at the moment"
            raise Refusal(422, "unknown_model", f"no model '{uri}' is served", f"choose from: {served}")
        return fresh[uri]

    def last(self, uri: str) -> ModelFacts | None:
        """What was told of a model last, however long ago."""
        with self._database.read() as session:
            row = session.get(ServedModel, uri)
        return None if row is None else ModelFacts.model_validate(row.facts)

    def fresh(self) -> Sequence[ModelFacts]:
        """The models that are served now."""
        with self._database.read() as session:
            query = select(ServedModel).where(ServedModel.seen_at > self._clock() - FRESH_S)
            rows = session.scalars(query.order_by(ServedModel.uri)).all()
        return [ModelFacts.model_validate(row.facts) for row in rows]
