from pathlib import Path

import pytest

from stemwright.data_source import DataSource
from stemwright.errors import InputError


@pytest.mark.parametrize(
    ("text", "url", "weight"),
    [
        ("data/latents", "data/latents", 1.0),
        ("data/latents@0.7", "data/latents", 0.7),
        ("s3://bucket/latents@2", "s3://bucket/latents", 2.0),
        ("s3://user@bucket/latents", "s3://user@bucket/latents", 1.0),
        ("C:\\latents@.5", "C:\\latents", 0.5),
        ("a@2@1", "a@2", 1.0),  # a folder whose name ends so
    ],
)
def test_a_number_after_the_last_at_sign_is_the_weight(text: str, url: str, weight: float) -> None:
    assert DataSource.of(text) == DataSource(url, weight)


def test_it_is_spelled_as_it_is_read() -> None:
    for text in ("data/latents", "data/latents@0.7", "s3://bucket/latents@2"):
        assert str(DataSource.of(text)) == text


def test_paths_become_whole_and_urls_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataSource.of("latents@0.5").absolute() == DataSource(str(tmp_path / "latents"), 0.5)
    assert DataSource.of("memory://bucket/latents").absolute().url == "memory://bucket/latents"


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(InputError, match="needs a path"):
        DataSource.of("")
