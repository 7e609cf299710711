import pytest

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata, prompt_text

BLUES = SongMetadata(
    genres=("blues",),
    instruments=("slide guitar", "upright bass"),
    moods=("melancholic",),
    tempo_bpm=72.0,
    key="A minor",
    keywords=("shuffle",),
    themes=("heartbreak",),
)
PARTS = ("blues", "slide guitar", "upright bass", "melancholic", "72 bpm", "A minor", "shuffle", "heartbreak")


def variants(metadata: SongMetadata, count: int = 200) -> list[str]:
    return [prompt_text(metadata, variant) for variant in range(count)]


def test_a_variant_is_the_same_every_time_and_on_every_python() -> None:
    assert prompt_text(BLUES, 3, seed=5) == prompt_text(BLUES, 3, seed=5)
    assert prompt_text(BLUES, 0) == "blues, A minor, heartbreak, slide guitar, melancholic, 72 bpm, shuffle"


def test_variants_and_seeds_differ_in_order_and_in_what_they_leave_out() -> None:
    texts = variants(BLUES)
    assert len(set(texts)) > 150
    assert {prompt_text(BLUES, variant, seed=1) for variant in range(20)} != set(texts[:20])
    assert any(
        text.index("A minor") < text.index("blues") for text in texts if {"blues", "A minor"} <= parts(text)
    )


def parts(text: str) -> set[str]:
    return {part for part in PARTS if part in text}


def test_every_field_turns_up_and_every_field_is_left_out_somewhere() -> None:
    texts = variants(BLUES)
    for part in PARTS:
        assert 0.2 < sum(part in text for text in texts) / len(texts) < 0.95


def test_a_prompt_says_nothing_that_the_metadata_does_not() -> None:
    for text in variants(BLUES):
        assert set(text.removeprefix("slow ").replace("slow blues", "blues").split(", ")) <= set(PARTS)


def test_a_song_with_one_known_field_always_keeps_it() -> None:
    assert all("jazz" in text for text in variants(SongMetadata(genres=("jazz",))))
    assert set(variants(SongMetadata(key="C major"))) == {"C major"}


def test_only_a_slow_tempo_is_called_slow_and_a_fast_one_fast() -> None:
    paces = {
        tempo: {
            pace
            for text in variants(SongMetadata(genres=("rock",), tempo_bpm=tempo))
            for pace in ("slow", "fast")
            if pace in text
        }
        for tempo in (72.0, 110.0, 150.0)
    }
    assert paces == {72.0: {"slow"}, 110.0: set(), 150.0: {"fast"}}


def test_no_metadata_gives_no_text() -> None:
    assert prompt_text(SongMetadata(), 0) == ""
    assert prompt_text(SongMetadata.from_fields({"song_id": "x", "genres": [], "key": None}), 7) == ""


def test_fields_of_a_row_become_metadata() -> None:
    assert SongMetadata.from_fields(
        {"genres": "folk", "tempo_bpm": "90", "themes": ["sea", " "]}
    ) == SongMetadata(genres=("folk",), tempo_bpm=90.0, themes=("sea",))


@pytest.mark.parametrize(
    "fields",
    [{"genres": 5}, {"moods": [1]}, {"tempo_bpm": "fast"}, {"tempo_bpm": -3}, {"tempo_bpm": float("nan")}],
)
def test_a_field_of_the_wrong_type_is_named(fields: dict) -> None:
    with pytest.raises(InputError, match=next(iter(fields))):
        SongMetadata.from_fields(fields)
