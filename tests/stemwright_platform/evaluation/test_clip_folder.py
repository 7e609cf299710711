from pathlib import Path

import pytest
import torch

from stemwright.audio import read_audio
from stemwright_platform.evaluation.clip_folder import read_facts, sound_file, write_clip

STEMS = {"bass": 0.25 * torch.ones(2, 480), "drums": -0.125 * torch.ones(2, 480)}


def test_a_clip_is_its_stems_and_their_mix(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip", STEMS, 48_000, facts={"a": 1.5})
    read = {name: read_audio(sound_file(tmp_path / "clip", name)) for name in ("bass", "drums", "mix")}
    assert torch.allclose(read["bass"], STEMS["bass"], atol=1e-4)
    assert torch.allclose(read["mix"], read["bass"] + read["drums"], atol=1e-4)
    assert read_facts(tmp_path / "clip") == {"a": 1.5}


def test_a_kept_stem_is_the_same_file(tmp_path: Path) -> None:
    write_clip(tmp_path / "real", STEMS, 48_000)
    kept = sound_file(tmp_path / "real", "drums")
    write_clip(tmp_path / "made", STEMS, 48_000, kept={"drums": kept})
    assert sound_file(tmp_path / "made", "drums").samefile(kept)
    assert read_facts(tmp_path / "made") == {}


def test_a_clip_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="finite"):
        write_clip(tmp_path / "clip", {**STEMS, "melody": torch.full((2, 480), torch.nan)}, 48_000)
    assert list(tmp_path.iterdir()) == []


def test_whoever_comes_second_changes_nothing(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip", STEMS, 48_000)
    before = sound_file(tmp_path / "clip", "bass").read_bytes()
    write_clip(tmp_path / "clip", {"bass": STEMS["drums"]}, 48_000)
    assert sound_file(tmp_path / "clip", "bass").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]
