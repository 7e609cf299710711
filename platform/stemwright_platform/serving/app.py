"""The Ray Serve application: `import_path: stemwright_platform.serving.app:build`."""

from pathlib import Path

from ray.serve import Application

from stemwright_platform.serving.api_replica import ApiReplica
from stemwright_platform.serving.codec_replica import CodecReplica
from stemwright_platform.serving.denoiser_replica import DenoiserReplica
from stemwright_platform.serving.dispatcher_replica import DispatcherReplica
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.text_replica import TextReplica


def build(args: ServingSettings) -> Application:
    """API → dispatcher → text, codec and denoiser. Serve makes `args` from the configuration's mapping."""
    settings = _in_one_place(args)
    dispatcher = DispatcherReplica.bind(
        settings, TextReplica.bind(settings), CodecReplica.bind(settings), DenoiserReplica.bind(settings)
    )
    return ApiReplica.bind(settings, dispatcher)


def _in_one_place(settings: ServingSettings) -> ServingSettings:
    """Relative folders made absolute, because replicas may run in folders of their own."""
    places = {"blob_url": _absolute(settings.blob_url)}
    if settings.database_url.startswith("sqlite:///"):
        path = settings.database_url.removeprefix("sqlite:///")
        places["database_url"] = f"sqlite:///{Path(path).expanduser().resolve()}"
    if Path(settings.model).expanduser().exists():
        places["model"] = _absolute(settings.model)
    return settings.model_copy(update=places)


def _absolute(url: str) -> str:
    return url if "://" in url else str(Path(url).expanduser().resolve())
