"""The Ray Serve application: `import_path: stemwright_platform.serving.app:build`."""

from pathlib import Path

from ray.serve import Application, Deployment

from stemwright.shipped_model import SHIPPED
from stemwright_platform.serving.api_replica import ApiReplica
from stemwright_platform.serving.codec_replica import CodecReplica
from stemwright_platform.serving.denoiser_replica import DenoiserReplica
from stemwright_platform.serving.dispatcher_replica import DispatcherReplica
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.text_replica import TextReplica
from stemwright_platform.training.tracking import default_uri

GPU_SHARES = {"denoiser": 0.8, "codec": 0.2}
"""Of one GPU; without a share Ray hides the GPUs from a replica."""


def build(args: ServingSettings) -> Application:
    """The API and its own model. Serve makes `args` from the configuration's mapping."""
    return ApiReplica.bind(_in_one_place(args), build_model(args))


def build_model(args: ServingSettings) -> Application:
    """Dispatcher → text, codec and denoiser of one model: an application of its own beside the API's.

    It has no route: it finds its work in the database that both name.
    """
    settings = _in_one_place(args)
    codec, denoiser = CodecReplica, DenoiserReplica
    if settings.device.startswith("cuda"):
        codec, denoiser = _with_gpu(codec), _with_gpu(denoiser)
    return DispatcherReplica.bind(
        settings, TextReplica.bind(settings), codec.bind(settings), denoiser.bind(settings)
    )


def _with_gpu(deployment: Deployment) -> Deployment:
    options = {**(deployment.ray_actor_options or {}), "num_gpus": GPU_SHARES[deployment.name]}
    return deployment.options(ray_actor_options=options)


def _in_one_place(settings: ServingSettings) -> ServingSettings:
    """Relative folders and the registry made absolute, because replicas may run in folders of their own."""
    places = {"blob_url": _absolute(settings.blob_url)}
    if settings.database_url.startswith("sqlite:///"):
        path = settings.database_url.removeprefix("sqlite:///")
        places["database_url"] = f"sqlite:///{Path(path).expanduser().resolve()}"
    if settings.model.startswith("models:"):
        places["tracking_uri"] = settings.tracking_uri or default_uri()
    elif settings.model != SHIPPED and Path(settings.model).expanduser().exists():
        places["model"] = _absolute(settings.model)
    return settings.model_copy(update=places)


def _absolute(url: str) -> str:
    return url if "://" in url else str(Path(url).expanduser().resolve())
