"""Which stems of a corpus make which track: rules in YAML, tried in order.

    rules:
      - {slot: drums, inst_class: Drums}
      - {slot: melody, choice: 1, program_num: 80-86}
      - {slot: melody, choice: 2, inst_class: [Reed, Pipe]}
      - {slot: instrument}

The first rule that fits a stem gives its slot. A rule with a choice holds only in songs that have no stem
of a smaller choice for the same slot: there, the rules below it decide. `slot: null` leaves a stem out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from stemwright.errors import InputError
from stemwright.tracks import TRACKS, Tracks

_KEYS = ("slot", "choice", "about")
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotRule:
    """Stems that go to a slot."""

    slot: str | None
    """A track's name; None leaves the stems out."""
    wanted: Mapping[str, tuple[str, ...]]
    """Field of a stem → patterns, one of which must fit; * stands for anything. No field fits every stem."""
    choice: int = 0
    """0: always; else the rule waits for a song without stems of a smaller choice for this slot."""
    about: str = ""
    """What these stems are, for people."""

    def fits(self, facts: Mapping[str, str]) -> bool:
        """Whether a stem with these fields is one of them; case and punctuation do not count."""
        return all(
            any(fnmatchcase(_plain(facts.get(name, "")), pattern) for pattern in patterns)
            for name, patterns in self.wanted.items()
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotMap:
    """The rules of a corpus."""

    rules: tuple[SlotRule, ...]
    """In the order in which they are tried."""
    tracks: Tracks = TRACKS
    """The slots there are."""

    def slots(self, stems: Sequence[Mapping[str, str]]) -> list[str | None]:
        """The slot of each stem of a song, by the stems' fields; None where it is left out."""
        chains = [self._chain(facts) for facts in stems]
        first: dict[str | None, int] = {}
        for rule in (rule for chain in chains for rule in chain if rule.choice):
            first[rule.slot] = min(rule.choice, first.get(rule.slot, rule.choice))
        return [
            next((rule.slot for rule in chain if rule.choice in (0, first.get(rule.slot))), None)
            for chain in chains
        ]

    def _chain(self, facts: Mapping[str, str]) -> list[SlotRule]:
        """The rules that fit a stem, up to the first that always holds."""
        chain: list[SlotRule] = []
        for rule in self.rules:
            if rule.fits(facts):
                chain.append(rule)
                if not rule.choice:
                    break
        return chain


def shipped_slots(corpus: str) -> str:
    """The YAML text of the rules that come with an importer; InputError where there is none of that name."""
    folder = resources.files("stemwright_platform.corpus.importers") / "slots"
    texts = {entry.name.removesuffix(".yaml"): entry for entry in folder.iterdir()}
    if corpus not in texts:
        raise InputError(f"no slots for '{corpus}': choose from {', '.join(sorted(texts))}")
    return texts[corpus].read_text(encoding="utf-8")


def load_slots(
    path: str | Path | None, *, corpus: str, fields: Sequence[str], tracks: Tracks = TRACKS
) -> SlotMap:
    """The rules of a YAML file, or those shipped for the corpus where there is none.

    `fields`: what the corpus tells of a stem. A file may name its own tracks in a list, `tracks: [...]`.
    Raises InputError, one line naming file and rule, for what is no such YAML.
    """
    name = f"{corpus}.yaml" if path is None else str(path)
    try:
        text = shipped_slots(corpus) if path is None else Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"no file of slots at {name}: `stemwright corpus import slots` prints one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be read: {error}") from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{name} is not YAML: {' '.join(str(error).split())}") from None
    return parse_slots(content, name, fields, tracks)


def parse_slots(content: Any, name: str, fields: Sequence[str], tracks: Tracks = TRACKS) -> SlotMap:
    """Rules from parsed YAML; `name` is what errors call it."""
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list) or not content["rules"]:
        raise InputError(f"{name} must hold a list of rules, as `rules: [{{slot: {tracks.names[0]}}}]`")
    if unknown := sorted(map(str, content.keys() - {"rules", "tracks"})):
        raise InputError(f"{name}: unknown section {', '.join(unknown)}; known: rules, tracks")
    tracks = _tracks(content["tracks"], name) if "tracks" in content else tracks
    rules = [
        _rule(rule, f"{name}, rule {number}", fields, tracks)
        for number, rule in enumerate(content["rules"], start=1)
    ]
    return SlotMap(rules=tuple(rules), tracks=tracks)


def _tracks(names: Any, where: str) -> Tracks:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{where}: tracks must be a list of names, got {names!r}")
    return Tracks(names=tuple(names), prompt_names=tuple(names))


def _rule(rule: Any, where: str, fields: Sequence[str], tracks: Tracks) -> SlotRule:
    if not isinstance(rule, dict) or "slot" not in rule:
        raise InputError(
            f"{where} needs a slot: one of {', '.join(tracks.names)}, or null to leave stems out"
        )
    if unknown := sorted(map(str, rule.keys() - {*_KEYS, *fields})):
        raise InputError(
            f"{where}: unknown field {', '.join(unknown)}; known: {', '.join((*_KEYS, *fields))}"
        )
    if rule["slot"] is not None and rule["slot"] not in tracks.names:
        raise InputError(f"{where}: unknown slot '{rule['slot']}'; choose from {', '.join(tracks.names)}")
    choice = rule.get("choice", 0)
    if not isinstance(choice, int) or isinstance(choice, bool) or choice < 0:
        raise InputError(f"{where}: choice must be 1, 2, …, got {choice!r}")
    return SlotRule(
        slot=rule["slot"],
        wanted={name: _patterns(rule[name], f"{where}, {name}") for name in fields if name in rule},
        choice=choice,
        about=str(rule.get("about", "")),
    )


def _patterns(value: Any, where: str) -> tuple[str, ...]:
    """One value or several as patterns; "80-86" is each number of a range."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str | int) for one in values):
        raise InputError(f"{where}: needs a word, a number or a list of them, got {value!r}")
    patterns: list[str] = []
    for one in map(str, values):
        if found := _RANGE.fullmatch(one.strip()):
            patterns += map(str, range(int(found[1]), int(found[2]) + 1))
        else:
            patterns.append(_plain(one))
    return tuple(patterns)


def _plain(text: str) -> str:
    """Small letters, digits and * in words: public corpora spell one name in several ways."""
    return re.sub(r"(?:[^\w*]|_)+", " ", text.casefold()).strip()
