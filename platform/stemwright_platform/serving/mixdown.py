"""The selected takes of a composition, each in its lane, and their sum."""

import hashlib
import json
from collections.abc import Sequence

import torch
from torch import Tensor

from stemwright.mixing import mix
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.schema import Lane
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.stems import decoded
from stemwright_platform.serving.tables import Composition, Take


def selected_takes(services: Services, composition: Composition) -> list[Take]:
    """In slot order; none where nothing is selected."""
    chosen = services.compositions.selected(composition.id)
    return [services.compositions.take(chosen[track]) for track in composition.tracks if track in chosen]


def takes_to_mix(services: Services, composition: Composition) -> list[Take]:
    """The selected takes; 409 where nothing is selected."""
    takes = selected_takes(services, composition)
    if not takes:
        raise Refusal(409, "nothing_selected", "no take is selected", "select or upload takes, then mix")
    return takes


def lane_of(composition: Composition, track: str) -> Lane:
    return Lane.model_validate(composition.lanes.get(track, {}))


def mixed(services: Services, composition: Composition, takes: Sequence[Take]) -> Tensor:
    """Audio `[2, n]`; silence where all lanes are mute."""
    rate = composition.sample_rate_hz
    stems = [
        in_lane(decoded(services.blobs.get(take.blob_key), rate), lane)
        for take in takes
        if not (lane := lane_of(composition, take.track)).mute
    ]
    return mix(stems) if stems else torch.zeros(2, round(composition.duration_s * rate))


def in_lane(audio: Tensor, lane: Lane) -> Tensor:
    """Audio `[2, n]` at a lane's gain and balance; bit-identical in a lane that was not touched."""
    sides = torch.tensor([[min(1.0, 1 - lane.pan)], [min(1.0, 1 + lane.pan)]])
    return audio * sides * 10 ** (lane.gain_db / 20)


def mix_digest(composition: Composition, takes: Sequence[Take]) -> str:
    """The same for the same sound."""
    parts = [(take.sha256, lane_of(composition, take.track).model_dump()) for take in takes]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
