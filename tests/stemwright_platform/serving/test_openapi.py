"""Calls made up from the OpenAPI document: none is answered with a fault, and each as the document says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance, unsupported_method

from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.settings import ServingSettings

OPTIONS = {
    "deadline": None,
    "derandomize": True,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}
EXCLUDED = [
    ignored_auth,  # this server is open
    positive_data_acceptance,  # ids that the document allows need not exist
    unsupported_method,
]


@pytest.fixture
def schema(tmp_path: Path, facts: ModelFacts) -> Iterator[BaseSchema]:
    """The document of a server of its own, which answers."""
    settings = ServingSettings(
        model="a-model", database_url=f"sqlite:///{tmp_path}/state.sqlite", blob_url=str(tmp_path / "blobs")
    )
    services = Services.open(settings, clock=lambda: 1_000.0)
    services.models.tell(facts)
    yield schemathesis.openapi.from_asgi("/v1/openapi.json", create_api(services))
    services.database.close()


def cases(schema: BaseSchema, examples: int) -> int:
    """Make and check that many calls of each kind; how many there were."""
    made = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=examples, **OPTIONS)
        def answered(case: Case) -> None:
            nonlocal made
            made += 1
            case.call_and_validate(excluded_checks=EXCLUDED)

        try:
            answered()
        except BaseException as fault:
            fault.add_note(f"{operation.method.upper()} {operation.path}")
            raise
    return made


def test_no_call_is_a_fault(schema: BaseSchema) -> None:
    assert cases(schema, 30) >= 500


@pytest.mark.slow
def test_no_call_of_very_many_is_a_fault(schema: BaseSchema) -> None:
    assert cases(schema, 600) >= 10_000
