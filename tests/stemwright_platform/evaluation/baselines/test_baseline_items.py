from pathlib import Path

import pytest
import torch

from stemwright.audio import write_audio
from stemwright.errors import InputError
from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.baselines.baseline_items import baseline_items
from stemwright_platform.evaluation.clip import Clip

OURS = Clip(
    clip="song_0010s",
    song="song",
    start_s=10.0,
    duration_s=4.0,
    prompt="blues",
    tracks=TRACKS.names,
    tempo_bpm=100.0,
    key="A minor",
)


def test_a_clip_of_our_name_is_held_against_ours_and_another_has_its_prompt_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    for clip in ("song_0010s", "other"):
        (theirs / clip).mkdir(parents=True)
        for track in ("bass", "drums"):
            write_audio(theirs / clip / f"{track}.wav", 0.1 * torch.ones(2, 4800))
    (theirs / "prompts.csv").write_text("clip,prompt\nother,slow techno\n")
    items = baseline_items({"theirs": theirs}, [OURS], TRACKS, tmp_path / "report")
    found = {item.clip.clip: item for item in items}
    assert found["song_0010s"].clip == OURS
    assert found["other"].clip.prompt == "slow techno"
    assert found["other"].clip.tempo_bpm is None
    assert {item.system for item in items} == {"theirs"}
    assert all(set(item.sounds) == {"bass", "drums", "mix"} for item in items)
    assert all(path.is_file() for item in items for path in item.sounds.values())


def test_mixes_without_weights_to_part_them_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "theirs").mkdir()
    write_audio(tmp_path / "theirs" / "a.wav", 0.1 * torch.ones(2, 4800))
    with pytest.raises(InputError) as caught:
        baseline_items(
            {"theirs": tmp_path / "theirs"},
            [OURS],
            TRACKS,
            tmp_path / "report",
            demucs_weights=str(tmp_path / "nothing"),
        )
    assert "\n" not in str(caught.value)
