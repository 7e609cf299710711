"""A composition as one file to take away: sample-aligned stems with what they are, or a project for a DAW."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from stemwright import __version__
from stemwright.audio import encode_wav
from stemwright_platform.serving.dawproject import Stem, metadata_xml, project_xml
from stemwright_platform.serving.mixdown import lane_of, mixed, takes_to_mix
from stemwright_platform.serving.schema import Brief, TakeView
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import Composition, Take

Kind = Literal["zip", "dawproject"]
FORMAT = 1
"""Of composition.json."""


def write_export(services: Services, composition: Composition, kind: Kind, path: Path) -> None:
    """Write the file; 409 where nothing is selected."""
    takes = takes_to_mix(services, composition)
    files = _stems_and_mix if kind == "zip" else _project
    with zipfile.ZipFile(path, "w") as archive:  # audio is stored: it hardly shrinks
        for name, data in files(services, composition, takes):
            packed = zipfile.ZIP_STORED if name.endswith(".wav") else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, packed)


def _stems_and_mix(
    services: Services, composition: Composition, takes: list[Take]
) -> Iterator[tuple[str, bytes]]:
    """As they are in the composition: stems before their lanes' gain, the mix after it."""
    for take in takes:
        yield f"{take.track}.wav", services.blobs.get(take.blob_key)
    yield "mix.wav", encode_wav(mixed(services, composition, takes), composition.sample_rate_hz)
    yield "composition.json", json.dumps(_about(services, composition, takes), indent=2).encode()


def _project(services: Services, composition: Composition, takes: list[Take]) -> Iterator[tuple[str, bytes]]:
    stems = [
        Stem(track=take.track, path=f"audio/{take.track}.wav", lane=lane_of(composition, take.track))
        for take in takes
    ]
    yield "project.xml", project_xml(composition, stems, __version__)
    yield "metadata.xml", metadata_xml(composition)
    for take, stem in zip(takes, stems, strict=True):
        yield stem.path, services.blobs.get(take.blob_key)


def _about(services: Services, composition: Composition, takes: list[Take]) -> dict[str, Any]:
    """All that it takes to make it again."""
    same = ("id", "name", "prompt", "duration_s", "tempo_bpm", "beats_per_bar", "seed", "sample_rate_hz")
    return {
        "format": FORMAT,
        "stemwright": __version__,
        **{name: getattr(composition, name) for name in same},
        "tracks": {
            take.track: {
                "file": f"{take.track}.wav",
                "lane": lane_of(composition, take.track).model_dump(),
                "take": TakeView.model_validate(take).model_dump(),
                "request": _request(services, take),
            }
            for take in takes
        },
    }


def _request(services: Services, take: Take) -> dict[str, Any] | None:
    """What was asked for; None for an upload, or a generation that is gone."""
    row = services.queue.find(take.generation_id) if take.generation_id else None
    return None if row is None else Brief.model_validate(row.request).model_dump()
