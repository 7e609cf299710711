from urllib.parse import unquote

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from stemwright.audio import write_audio
from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.report.example_players import Wanted, sides_of

TASK = "bass_given_drums_instrument_melody"


@pytest.fixture
def folder(tmp_path):
    time = torch.arange(9600) / 48_000
    for system, task, gain in (("model", TASK, 0.1), ("real", "joint", 0.9)):
        place = tmp_path / "clips" / system / task / "a clip, 100 %"
        place.mkdir(parents=True)
        for name in ("bass", "drums", "mix"):
            write_audio(place / f"{name}.flac", gain * torch.sin(2764 * time).expand(2, -1))
    return tmp_path


def wanted(folder, *systems):
    return [Wanted(name=system, system=system, task=TASK, folder=folder) for system in systems]


def test_a_player_tells_what_was_made_and_what_was_given(folder):
    model, real = sides_of("a clip, 100 %", wanted(folder, "model", "real"), folder, TRACKS)
    assert [(s.part, s.role) for s in model.sources] == [("mix", ""), ("bass", "made"), ("drums", "given")]
    assert [source.role for source in real.sources] == ["", "real", "real"]


def test_addresses_lead_to_files_whatever_the_clip_is_called(folder):
    for side in sides_of("a clip, 100 %", wanted(folder, "model", "real"), folder, TRACKS):
        for source in side.sources:
            assert (folder / unquote(source.audio)).is_file()
            assert (folder / unquote(source.picture)).is_file()


def test_pictures_of_a_part_share_a_scale_so_that_a_quiet_take_looks_quiet(folder):
    model, real = sides_of("a clip, 100 %", wanted(folder, "model", "real"), folder, TRACKS)
    light = [
        np.asarray(imread(folder / unquote(side.sources[0].picture)))[..., :3].max() for side in (model, real)
    ]
    assert light[0] < light[1]


def test_a_system_without_the_clip_has_no_player(folder):
    sides = sides_of("a clip, 100 %", wanted(folder, "untrained", "real"), folder, TRACKS)
    assert [side.system for side in sides] == ["real"]


def test_a_file_that_cannot_be_read_says_so_and_the_others_play(folder):
    (folder / "clips" / "model" / TASK / "a clip, 100 %" / "bass.flac").write_bytes(b"")
    (side,) = sides_of("a clip, 100 %", wanted(folder, "model"), folder, TRACKS)
    faults = {source.part: source.fault for source in side.sources}
    assert "bass.flac" in faults["bass"]
    assert not faults["mix"]
