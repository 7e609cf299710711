from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stemwright.prompts import SongMetadata
from stemwright_platform.commands.corpus import app
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import read_manifest, write_manifest

runner = CliRunner()


@pytest.mark.ray
def test_a_manifest_is_completed_in_place_and_a_second_run_hears_nothing(
    ray_cluster: Any, tmp_path: Path
) -> None:
    manifest = make_demo_corpus(tmp_path, 2, seed=3, duration_s=8)
    first, second = read_manifest(manifest)
    write_manifest(manifest, [replace(first, metadata=SongMetadata(), downbeats_s=()), second])
    result = runner.invoke(app, ["estimate", str(manifest)])
    assert result.exit_code == 0, result.output
    assert (
        "estimated tempo_bpm of 1, key of 1, downbeats_s of 1 songs, from the audio of 1 now" in result.stdout
    )
    estimated, other = read_manifest(manifest)
    assert set(estimated.estimated) == {"tempo_bpm", "key", "downbeats_s"}
    assert estimated.metadata.tempo_bpm
    assert other == second
    again = runner.invoke(app, ["estimate", str(manifest)])
    assert "from the audio of 0 now" in again.stdout
    assert read_manifest(manifest) == [estimated, other]
