"""What a served application is configured with: the `args` of serve_config.yaml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stemwright.shipped_model import SHIPPED


class Limits(BaseModel):
    """Bounds on what a caller may ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_duration_s: float = Field(default=1.0, gt=0)
    """Shortest composition."""
    max_duration_s: float = Field(default=240.0, gt=0)
    """Longest composition."""
    max_upload_bytes: int = Field(default=200_000_000, gt=0)
    """Largest uploaded stem as it comes over the wire."""
    max_upload_s: float = Field(default=1_200.0, gt=0)
    """Longest uploaded stem before it is cut."""
    max_queue: int = Field(default=1_000, gt=0)
    """Generations that may wait; more are refused with 429."""


class Retention(BaseModel):
    """What is kept, and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unchosen_take_days: float | None = Field(default=30.0, gt=0)
    """Takes that no selection ever named go after so many days; None: never."""
    orphan_hours: float = Field(default=1.0, gt=0)
    """Blobs that no take names go once they are so old."""


class ServingSettings(BaseModel):
    """The arguments of `stemwright_platform.serving.app:build`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = SHIPPED
    """Checkpoint folder, or a registry address such as models:/stemwright@champion, which is followed; by
    default the model that ships with the package, on every node."""
    tracking_uri: str | None = None
    """The MLflow that a registry address belongs to; None: MLFLOW_TRACKING_URI of the nodes, or mlflow.db."""
    model_poll_s: float = Field(default=10.0, gt=0)
    """An alias is looked up this often; a new version is taken up without a restart."""
    database_url: str = "sqlite:///state/stemwright.sqlite"
    """SQLAlchemy address; SQLite is for one node."""
    blob_url: str = "state/blobs"
    """fsspec address of the folder that holds the audio."""
    device: str = "cpu"
    """Where the denoiser and the codec run: cpu, cuda, cuda:1 …"""
    threads: int | None = Field(default=None, ge=1)
    """Torch threads of a denoiser or codec replica; None: every core of the machine."""
    max_rows: int = Field(default=8, ge=1)
    """Rows of one forward of a denoiser replica; a request with guidance takes two or three. What the
    device's memory allows, and more than keeps it busy gains nothing."""
    codec_weights: str | None = None
    """Folder to look in for the codec's weights before the usual cache."""
    text_weights: str | None = None
    """Folder to look in for the text encoder's weights before the usual cache."""
    generations_each: int = Field(default=4, ge=1)
    """Generations that are meant for one denoiser at a time: the dispatcher holds a little more than that in
    hand, and the denoisers scale by it (`target_ongoing_requests`)."""
    access: Literal["open", "keys"] = "open"
    """Who may call: everybody who can reach the server, or who brings a key of `stemwright keys create`."""
    limits: Limits = Limits()
    """Bounds on requests."""
    retention: Retention = Retention()
    """How long takes are kept."""
