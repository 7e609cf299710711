from importlib import import_module
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from ray.serve.schema import ServeDeploySchema

from stemwright_platform.serving.app import build
from stemwright_platform.serving.local_server import RAY_PORTS
from stemwright_platform.serving.settings import ServingSettings

CONFIG = yaml.safe_load((Path(__file__).parents[3] / "serve_config.yaml").read_text())


def test_serve_accepts_the_configuration_and_the_application_its_arguments():
    parsed = ServeDeploySchema.model_validate(CONFIG)
    assert parsed.http_options.port not in RAY_PORTS
    (application,) = parsed.applications
    assert application.import_path == f"{build.__module__}:{build.__name__}"
    assert build(ServingSettings.model_validate(application.args)) is not None


def test_the_configured_deployments_are_those_of_the_application():
    from stemwright_platform.serving import (
        api_replica,
        codec_replica,
        denoiser_replica,
        dispatcher_replica,
        text_replica,
    )

    deployments = (
        api_replica.ApiReplica,
        codec_replica.CodecReplica,
        denoiser_replica.DenoiserReplica,
        dispatcher_replica.DispatcherReplica,
        text_replica.TextReplica,
    )
    configured = {each["name"]: each for each in CONFIG["applications"][0]["deployments"]}
    assert set(configured) == {deployment.name for deployment in deployments}
    scaling = configured["denoiser"]["autoscaling_config"]
    assert scaling["max_replicas"] > 1
    assert scaling["target_ongoing_requests"] == CONFIG["applications"][0]["args"]["generations_each"]
    module, _, function = scaling["policy"]["policy_function"].partition(":")
    assert callable(getattr(import_module(module), function))


def test_a_misspelt_argument_is_refused():
    with pytest.raises(ValidationError, match="databse_url"):
        ServingSettings.model_validate({"model": "m", "databse_url": "sqlite:///x"})
