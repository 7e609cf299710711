from pathlib import Path
from typing import Any

import pytest
import yaml

from stemwright.errors import InputError
from stemwright_platform.corpus.importers import folders, moisesdb, musdb, slakh
from stemwright_platform.corpus.importers.slot_map import load_slots, parse_slots, shipped_slots

PAGE = Path(__file__).parents[4] / "docs" / "corpora.md"
FIELDS = ("kind", "number")


def parsed(*rules: dict[str, Any]) -> Any:
    return parse_slots({"rules": list(rules)}, "slots.yaml", FIELDS)


def test_the_first_rule_that_fits_decides_and_a_stem_that_none_fits_is_left_out() -> None:
    slots = parsed({"slot": "bass", "kind": "low"}, {"slot": "drums", "kind": ["low", "loud"]})
    assert slots.slots([{"kind": "low"}, {"kind": "loud"}, {"kind": "else"}, {}]) == [
        *("bass", "drums", None, None),
    ]


def test_all_fields_of_a_rule_must_fit() -> None:
    slots = parsed({"slot": "bass", "kind": "low", "number": "3-5"})
    stems = [{"kind": "low", "number": "4"}, {"kind": "low", "number": "6"}, {"kind": "high", "number": "4"}]
    assert slots.slots(stems) == ["bass", None, None]


def test_case_and_punctuation_do_not_count_and_a_star_stands_for_anything() -> None:
    slots = parsed({"slot": "bass", "kind": "Synth-Bass (moog*"})
    assert slots.slots(
        [{"kind": "synth_bass_moog_etc"}, {"kind": "SYNTH BASS, (Moog)"}, {"kind": "bass"}]
    ) == [
        *("bass", "bass", None),
    ]


def test_a_later_choice_waits_for_a_song_without_the_earlier_one() -> None:
    slots = parsed(
        {"slot": "melody", "choice": 1, "kind": "flute"},
        {"slot": "melody", "choice": 2, "kind": "guitar"},
        {"slot": "instrument"},
    )
    flute, guitar, piano = {"kind": "flute"}, {"kind": "guitar"}, {"kind": "piano"}
    assert slots.slots([guitar, flute, piano, flute]) == ["instrument", "melody", "instrument", "melody"]
    assert slots.slots([guitar, piano]) == ["melody", "instrument"]


def test_a_choice_that_a_rule_above_it_takes_does_not_count() -> None:
    slots = parsed(
        {"slot": None, "kind": "click flute"},
        {"slot": "melody", "choice": 1, "kind": "*flute"},
        {"slot": "melody", "choice": 2, "kind": "guitar"},
    )
    assert slots.slots([{"kind": "click flute"}, {"kind": "guitar"}]) == [None, "melody"]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "must hold a list of rules"),
        ({"rules": []}, "must hold a list of rules"),
        ({"rules": [{"slot": "bass"}], "slots": 1}, "unknown section slots"),
        ({"rules": [{"kind": "low"}]}, "rule 1 needs a slot"),
        (
            {"rules": [{"slot": "bass"}, {"slot": "vocals"}]},
            "rule 2: unknown slot 'vocals'; choose from bass",
        ),
        ({"rules": [{"slot": "bass", "class": "x"}]}, "rule 1: unknown field class; known: slot"),
        ({"rules": [{"slot": "bass", "choice": "first"}]}, "choice must be 1, 2"),
        ({"rules": [{"slot": "bass", "kind": {"a": 1}}]}, "rule 1, kind: needs a word"),
        ({"rules": [{"slot": "bass"}], "tracks": "bass"}, "tracks must be a list"),
    ],
)
def test_bad_rules_are_refused_in_one_line_that_names_the_rule(content: Any, part: str) -> None:
    with pytest.raises(InputError, match=part) as caught:
        parse_slots(content, "slots.yaml", FIELDS)
    assert str(caught.value).startswith("slots.yaml")
    assert "\n" not in str(caught.value)


def test_what_is_no_yaml_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rules: [{slot: bass")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    for name, part in {"bad": "is not YAML", "bytes": "cannot be read", "none": "no file of slots"}.items():
        with pytest.raises(InputError, match=part) as caught:
            load_slots(tmp_path / f"{name}.yaml", corpus="slakh", fields=FIELDS)
        assert f"{name}.yaml" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no slots for 'dsd': choose"):
        shipped_slots("dsd")


def rows(title: str) -> list[list[str]]:
    """The cells of the first table below a title of the page, its head left out."""
    text = PAGE.read_text(encoding="utf-8").split(f"### {title}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines][1:]


@pytest.mark.parametrize(
    ("corpus", "title", "fields"),
    [
        ("slakh", "Slakh2100", slakh.FIELDS),
        ("musdb", "MUSDB18-HQ", musdb.FIELDS),
        ("moisesdb", "MoisesDB", moisesdb.FIELDS),
        ("folders", "Your own folders", folders.FIELDS),
    ],
)
def test_the_page_on_corpora_tells_the_rules_that_ship(
    corpus: str, title: str, fields: tuple[str, ...]
) -> None:
    assert load_slots(None, corpus=corpus, fields=fields).rules
    told = [
        [rule["slot"] or "left out", str(rule.get("choice", "")), condition(rule, fields)]
        for rule in yaml.safe_load(shipped_slots(corpus))["rules"]
    ]
    assert [row[:3] for row in rows(title)] == told


def condition(rule: dict[str, Any], fields: tuple[str, ...]) -> str:
    values = {
        name: rule[name] if isinstance(rule[name], list) else [rule[name]] for name in fields if name in rule
    }
    return "; ".join(f"{name} {', '.join(map(str, some))}" for name, some in values.items()) or "all else"
