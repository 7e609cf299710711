from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.estimate_corpus import estimate_corpus
from stemwright_platform.corpus.estimates import with_estimates
from stemwright_platform.corpus.manifest import read_manifest


@pytest.mark.ray
def test_ray_estimates_the_songs_that_lack_something_as_one_process_does(
    ray_cluster: Any, tmp_path: Path
) -> None:
    whole, other = read_manifest(make_demo_corpus(tmp_path, 2, seed=2, duration_s=8))
    bare = replace(other, metadata=SongMetadata(), downbeats_s=())
    found = dict(estimate_corpus([whole, bare]))
    assert found == {1: with_estimates(bare)}
    assert found[1].estimated


def test_a_manifest_that_lacks_nothing_starts_no_cluster(tmp_path: Path) -> None:
    songs = read_manifest(make_demo_corpus(tmp_path, 1, seed=2, duration_s=4))
    assert list(estimate_corpus(songs)) == []
