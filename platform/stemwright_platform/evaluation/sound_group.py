"""Sounds that are judged together: a part, of all clips of a system and task."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.clip_scoring import ScoreItem


@dataclass(kw_only=True, slots=True)
class SoundGroup:
    """Clip by clip."""

    system: str
    task: str
    part: str
    """A target, or "mix"."""
    items: list[ScoreItem] = field(default_factory=list)

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(item.sounds[self.part] for item in self.items)


def sound_groups(items: Iterable[ScoreItem]) -> list[SoundGroup]:
    """Of each system and task the targets, and the mix where there is one to be scored."""
    found: dict[tuple[str, str, str], SoundGroup] = {}
    for item in items:
        for part in item.sounds:
            if part in item.targets or part == MIX:
                key = item.system, item.task, part
                group = found.setdefault(key, SoundGroup(system=item.system, task=item.task, part=part))
                group.items.append(item)
    return list(found.values())
