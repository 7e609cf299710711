import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from stemwright.audio import read_audio
from stemwright.compose import Composer
from stemwright_platform.training.excerpt import Excerpt
from stemwright_platform.training.listening import (
    ABANDONED,
    Listening,
    Order,
    is_complete,
    pieces,
    samples_folder,
)


@pytest.fixture(scope="module")
def composer(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Composer:
    return Composer.load(make_checkpoint(tmp_path_factory.mktemp("model") / "model"))


@pytest.fixture
def excerpt(composer: Composer) -> Excerpt:
    """Half a second of a song that lacks the bass."""
    generator = torch.Generator().manual_seed(1)
    audio = 0.1 * torch.randn(4, 2, 24_000, generator=generator)
    return Excerpt(
        latents=composer.codec.encode(audio)[None],
        presence=(False, True, True, True),
        song_id="a <song>",
        start_s=1.5,
        prompt="slow blues",
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.flac")}


def test_pieces_are_everything_then_each_track_given_the_rest() -> None:
    made = pieces(("bass", "drums"), regions=False)
    assert [(piece.name, piece.targets, piece.given) for piece in made] == [
        ("joint", ("bass", "drums"), ()),
        ("bass_given_rest", ("bass",), ("drums",)),
        ("drums_given_rest", ("drums",), ("bass",)),
    ]
    assert [piece.name for piece in pieces(("bass",), regions=False)] == ["joint"]
    last = pieces(("bass", "drums"), regions=True)[-1]
    assert (last.name, last.continues) == ("continuation", True)


def test_samples_are_mixes_and_targets_beside_the_real_song_and_the_same_every_time(
    composer: Composer, excerpt: Excerpt, tmp_path: Path
) -> None:
    for run in ("one", "again"):
        Listening(composer, excerpt, tmp_path / run, step=40).run()
    folder, again = (samples_folder(tmp_path / run, 40) for run in ("one", "again"))
    assert is_complete(folder)
    assert contents(folder) == contents(again)
    names = {path.name for path in folder.iterdir()}
    assert {
        "joint.flac",
        "joint.drums.flac",
        "melody_given_rest.flac",
        "melody_given_rest.melody.flac",
    } <= names
    assert {"joint.png", "joint.beside_real.png", "melody_given_rest.beside_real.png"} <= names
    assert not any("bass" in name for name in names)
    reference = tmp_path / "one" / "samples" / "reference"
    assert {"mix.flac", "drums.flac", "mix.png"} <= {path.name for path in reference.iterdir()}
    stems = [read_audio(reference / f"{name}.flac") for name in ("drums", "instrument", "melody")]
    made = read_audio(folder / "melody_given_rest.melody.flac")
    mixed = read_audio(folder / "melody_given_rest.flac")
    assert made.shape == mixed.shape == stems[0].shape == (2, 24_000)
    # the given tracks are the song's own
    if mixed.abs().max() < 0.98:
        torch.testing.assert_close(mixed, stems[0] + stems[1] + made, atol=3e-4, rtol=0)
    assert (made - stems[2]).abs().max() > 0.01
    page = (tmp_path / "one" / "samples" / "index.html").read_text()
    assert "a &lt;song&gt;" in page
    assert "Step 40" in page


def test_a_process_whose_driver_has_ended_ends_too() -> None:
    order = Order(run="nowhere", step=1, model="nowhere", data=("nowhere",))
    command = [sys.executable, "-m", "stemwright_platform.training.listening", json.dumps(asdict(order))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert ended.returncode == ABANDONED


def test_what_was_cut_short_is_not_complete(tmp_path: Path) -> None:
    folder = samples_folder(tmp_path, 3)
    assert not is_complete(folder)
    folder.mkdir(parents=True)
    (folder / "samples.json").write_text(json.dumps({"complete": False}))
    assert not is_complete(folder)
    (folder / "samples.json").write_text('{"comp')
    assert not is_complete(folder)
