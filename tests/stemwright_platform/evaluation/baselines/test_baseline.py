import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.audio import read_audio
from stemwright.errors import InputError
from stemwright.mixing import fitted
from stemwright.tracks import Tracks
from stemwright_platform.evaluation.baselines.baseline import read_baseline


def sound(path: Path, *, seed: int = 0, rate_hz: int = 16_000, num_samples: int = 1600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal((num_samples, 1))
    soundfile.write(path, samples, rate_hz)
    return path


def sounds(folder: Path, names: Sequence[str]) -> None:
    for seed, name in enumerate(names):
        sound(folder / name, seed=seed)


def test_stems_are_taken_as_they_are_at_any_rate_and_in_any_container(tmp_path: Path) -> None:
    sounds(tmp_path, ["b/bass.wav", "b/Drums.flac", "a/melody.wav", "a/mix.wav"])
    sound(tmp_path / "b" / "instrument.wav", rate_hz=44_100)
    first, second = read_baseline(tmp_path)
    assert (first.name, second.name) == ("a", "b")
    assert first.stems == {"melody": tmp_path / "a" / "melody.wav"}
    assert first.mix == tmp_path / "a" / "mix.wav"
    assert list(second.stems) == ["bass", "drums", "instrument"]
    assert second.stems["drums"].name == "Drums.flac"
    assert second.mix is None


def test_files_beside_the_folders_are_mixes(tmp_path: Path) -> None:
    sounds(tmp_path, ["a.wav", "b/bass.wav", "b.flac", ".c.wav", "notes.txt.wav"])
    (tmp_path / "README.md").write_text("about")
    clips = {clip.name: clip for clip in read_baseline(tmp_path)}
    assert clips.keys() == {"a", "b", "notes.txt"}
    assert clips["a"].mix == tmp_path / "a.wav"
    assert clips["a"].stems == {}
    assert clips["b"].mix == tmp_path / "b.flac"
    assert list(clips["b"].stems) == ["bass"]


@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("vocals", "melody"),
        ("Other", "instrument"),
        ("drum", "drums"),
        ("bass_guitar", "bass"),
        ("piano", "instrument"),
    ],
)
def test_names_of_other_systems_become_tracks(tmp_path: Path, name: str, track: str) -> None:
    sound(tmp_path / "a" / f"{name}.wav")
    assert list(read_baseline(tmp_path)[0].stems) == [track]


def test_files_of_one_track_are_summed_once_and_so_is_the_mix(tmp_path: Path) -> None:
    """As MSDM has it: bass, drums, guitar, piano."""
    outputs, sums = tmp_path / "msdm", tmp_path / "sums"
    sounds(outputs / "a", ["drums.wav", "guitar.wav", "piano.wav"])
    sound(outputs / "a" / "bass.wav", seed=5, num_samples=1000)
    with pytest.raises(InputError, match=r"guitar\.wav and piano\.wav are one track"):
        read_baseline(outputs)
    clip = read_baseline(outputs, sums=sums)[0]
    parts = {path.stem: read_audio(path) for path in (outputs / "a").iterdir()}
    instrument = read_audio(clip.stems["instrument"])
    np.testing.assert_allclose(instrument, parts["guitar"] + parts["piano"], atol=1e-6)
    assert clip.mix is not None
    whole = sum(fitted(part, 4800) for part in parts.values())
    np.testing.assert_allclose(read_audio(clip.mix), whole, atol=1e-6)
    written = clip.mix.stat().st_mtime_ns
    assert read_baseline(outputs, sums=sums)[0] == clip
    assert clip.mix.stat().st_mtime_ns == written
    sound(outputs / "a" / "bass.wav", seed=9)
    assert read_baseline(outputs, sums=sums)[0].mix != clip.mix


def test_own_slot_rules_take_and_leave_out_what_they_say(tmp_path: Path) -> None:
    sounds(tmp_path / "out" / "a", ["theremin.wav", "click.wav"])
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {slot: melody, name: theremin}\n")
    clip = read_baseline(tmp_path / "out", slots=rules)[0]
    assert list(clip.stems) == ["melody"]


def test_tracks_of_another_configuration_are_found_by_their_names(tmp_path: Path) -> None:
    tracks = Tracks(names=("strings", "voice"), prompt_names=("strings", "voice"))
    sounds(tmp_path / "a", ["voice.wav", "strings.wav"])
    assert list(read_baseline(tmp_path, tracks)[0].stems) == ["strings", "voice"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("prompts.csv", 'clip,prompt\na,"slow, blues"\nnot made,fast\n'),
        ("prompts.csv", '\ufeffprompt,clip\n"slow, blues",a\n'),
        ("prompts.json", json.dumps({"a": "slow, blues"})),
        ("prompts.json", json.dumps([{"clip": "a", "prompt": "slow, blues"}])),
    ],
)
def test_prompts_come_from_a_table(tmp_path: Path, name: str, content: str) -> None:
    sounds(tmp_path, ["a.wav", "b.wav"])
    (tmp_path / name).write_text(content, encoding="utf-8")
    first, second = read_baseline(tmp_path)
    assert first.prompt == "slow, blues"
    assert second.prompt is None


@pytest.mark.parametrize(
    ("files", "prompts", "reason"),
    [
        ([], {}, "holds no outputs"),
        (["a/tuba.wav"], {}, r"tuba\.wav: is no known stem: name it as a track"),
        (["a/bass.wav", "a/bass.flac"], {}, r"bass\.wav are the same: keep one"),
        (["a.wav"], {"prompts.csv": "name,text\n"}, "must name the columns, clip,prompt"),
        (["a.wav"], {"prompts.csv": "clip,prompt\na,\n"}, "line 2: needs a clip and a prompt"),
        (["a.wav"], {"prompts.json": "{"}, "is not JSON"),
        (["a.wav"], {"prompts.json": '[{"clip": "a"}]'}, "is not JSON of clips and prompts"),
        (["a.wav"], {"prompts.json": '{"a": 3}'}, "must hold one object"),
        (["a.wav"], {"prompts.csv": "clip,prompt\nb,x\n"}, "its prompts are of none of its clips"),
        (["a.wav"], {"prompts.csv": "clip,prompt\na,x\n", "prompts.json": "{}"}, "keep one of them"),
    ],
)
def test_what_cannot_be_used_is_one_line_that_names_it(
    tmp_path: Path, files: list[str], prompts: dict[str, str], reason: str
) -> None:
    sounds(tmp_path, files)
    for name, text in prompts.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=reason) as error:
        read_baseline(tmp_path)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_damaged_audio_and_empty_clips_are_found_before_anything_is_scored(tmp_path: Path) -> None:
    sounds(tmp_path, ["a/bass.wav"])
    (tmp_path / "b.wav").write_bytes(b"not audio")
    with pytest.raises(InputError, match=r"b\.wav: is not audio that can be read"):
        read_baseline(tmp_path)
    (tmp_path / "b.wav").unlink()
    (tmp_path / "c").mkdir()
    with pytest.raises(InputError, match="c holds no audio"):
        read_baseline(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        read_baseline(tmp_path / "nowhere")


def test_a_clip_travels_to_other_processes(tmp_path: Path) -> None:
    sounds(tmp_path, ["a.wav"])
    clips = read_baseline(tmp_path)
    assert pickle.loads(pickle.dumps(clips)) == clips
