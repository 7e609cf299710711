"""A folder of MIDI files as a corpus: every song with its stems, their manifest, and what was rejected."""

import errno
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright.errors import InputError
from stemwright_platform.corpus.manifest import Song, Split, split_of, with_both_splits, write_manifest
from stemwright_platform.corpus.midi.midi_source import MidiSource, families
from stemwright_platform.corpus.midi.render_song import RenderOrder, render_song
from stemwright_platform.corpus.midi.stems import TAIL_S
from stemwright_platform.corpus.midi.survey import survey
from stemwright_platform.corpus.song_folder import is_made, made_song
from stemwright_platform.corpus.synthesis.sound_font import load_sound_font
from stemwright_platform.crew import done_by

MANIFEST, REJECTED, SONGS = "manifest.parquet", "rejected.parquet", "songs"
MIN_FREE_BYTES = 64 << 20
MAX_VARIANTS = 1000
BYTES_A_SECOND = 260_000
"""Of a song with its stems and mix, as FLAC; measured."""
REJECTED_SCHEMA = pa.schema([("midi", pa.string()), ("song_id", pa.string()), ("reason", pa.string())])


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderSettings:
    """What decides a corpus beside its MIDI files."""

    soundfonts: tuple[Path, ...]
    """Each song is played by one of them."""
    seed: int = 1
    variants: int = 1
    """How often each song is rendered: once as written, else varied."""
    duration_s: tuple[float, float] = (10.0, 600.0)
    """Songs that are shorter or longer are rejected."""
    source: str = "MIDI"
    """What the manifest says of where the songs come from."""
    licence: str = "unknown"

    def __post_init__(self) -> None:
        if not self.soundfonts:
            raise InputError("give at least one sound font with --soundfont")
        if not 1 <= self.variants <= MAX_VARIANTS:
            raise InputError(f"--variants lies between 1 and {MAX_VARIANTS}, got {self.variants}")
        if self.seed < 0:
            raise InputError(f"the seed must be 0 or more, got {self.seed}")
        shortest_s, longest_s = self.duration_s
        if not 0 < shortest_s <= longest_s:
            raise InputError(
                f"--duration needs two ascending numbers of seconds, got {shortest_s:g}-{longest_s:g}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """A song that is not in the corpus."""

    midi: str
    """The file, below the folder that was searched."""
    song_id: str
    reason: str
    """One line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderPlan:
    """What is to be made, before any of it is."""

    orders: tuple[RenderOrder, ...]
    splits: Mapping[str, Split]
    """Family of songs → its split: versions and variants of a song stay together."""
    rejected: tuple[Rejection, ...]
    missing: tuple[int, ...]
    """Numbers of the orders that an earlier run has not finished."""

    @property
    def missing_s(self) -> float:
        """How long the songs last that are to be made."""
        return sum(self.orders[number].source.duration_s + TAIL_S for number in self.missing)

    @property
    def text(self) -> str:
        """As "94 songs, 4.1 h, about 3.5 GB; 94 of them to render"."""
        total_s = sum(order.source.duration_s + TAIL_S for order in self.orders)
        size = f"{total_s / 3600:.2f} h, about {total_s * BYTES_A_SECOND / 1e9:.1f} GB"
        return f"{len(self.orders)} songs, {size}; {len(self.missing)} of them to render"


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedCorpus:
    """What was made."""

    manifest: Path
    songs: tuple[Song, ...]
    orders: tuple[RenderOrder, ...]
    """Those of the songs."""
    rejected: tuple[Rejection, ...]


def plan_corpus(
    midi_folder: str | Path,
    out: str | Path,
    settings: RenderSettings,
    *,
    jobs: int | None = None,
    on_file: Callable[[float, str], None] = lambda share, note: None,
) -> RenderPlan:
    """Look at all files and say what is to be made. `jobs` as in `done_by`.

    `on_file` hears what share of the files was read now, and how many of how many are.

    Raises InputError for a folder or a font that cannot be used, and where no file makes a song.
    """
    fonts = tuple((font, _digest(font)) for font in (path.absolute() for path in settings.soundfonts))
    Path(out).mkdir(parents=True, exist_ok=True)
    sources = survey(Path(midi_folder), Path(out), settings.duration_s, jobs, on_file)
    taken = [source for source in sources if not source.reason]
    rejected = tuple(
        Rejection(midi=source.name, song_id=source.song_id, reason=source.reason)
        for source in sources
        if source.reason
    )
    if not taken:
        first = rejected[0]
        raise InputError(f"none of {len(rejected)} MIDI files makes a song; {first.midi} {first.reason}")
    orders = tuple(
        RenderOrder(
            source=source,
            variant=variant,
            seed=settings.seed,
            fonts=fonts,
            source_name=settings.source,
            licence=settings.licence,
        )
        for source in taken
        for variant in range(settings.variants)
    )
    folder = Path(out).absolute() / SONGS
    return RenderPlan(
        orders=orders,
        splits=_splits(taken),
        rejected=rejected,
        missing=tuple(
            number
            for number, order in enumerate(orders)
            if not is_made(folder / order.song_id, order.settings)
        ),
    )


def render_corpus(
    plan: RenderPlan,
    out: str | Path,
    *,
    jobs: int | None = None,
    on_song: Callable[[str, float], None] = lambda song_id, duration_s: None,
) -> RenderedCorpus:
    """Make what is missing of a plan's songs below `out`, the manifest and rejected.parquet.

    `on_song` hears the name of each song that is made, and how long its MIDI file lasts. Raises InputError
    where no song could be made and for a full disk.
    """
    folder = Path(out).absolute() / SONGS
    folder.mkdir(parents=True, exist_ok=True)
    reasons: dict[int, str] = {}
    missing = [plan.orders[number] for number in plan.missing]
    for place, reason in done_by(partial(_made, folder=folder), missing, jobs):
        order = missing[place]
        if reason:
            reasons[plan.missing[place]] = reason
        on_song(order.song_id, order.source.duration_s + TAIL_S)
    failed = tuple(
        Rejection(midi=plan.orders[number].source.name, song_id=plan.orders[number].song_id, reason=reason)
        for number, reason in sorted(reasons.items())
    )
    made = tuple(order for number, order in enumerate(plan.orders) if number not in reasons)
    if not made:
        raise InputError(
            f"none of {len(failed)} songs could be rendered; {failed[0].song_id}: {failed[0].reason}"
        )
    songs = tuple(
        made_song(folder / order.song_id, order.song_id, plan.splits[order.source.family]) for order in made
    )
    rejected = plan.rejected + failed
    _write_rejected(Path(out) / REJECTED, rejected)
    manifest = Path(out) / MANIFEST
    write_manifest(manifest, songs)
    return RenderedCorpus(manifest=manifest, songs=songs, orders=made, rejected=rejected)


def _made(order: RenderOrder, folder: Path) -> str:
    """Render a song; why it could not be, or nothing. OSError for a full disk, which would end every song."""
    try:
        render_song(order, folder)
    except InputError as error:
        return str(error)
    except Exception as error:  # a fault of ours in one song must not stop the others
        if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
            raise OSError(errno.ENOSPC, "disk full", str(folder)) from error
        return f"could not be rendered ({type(error).__name__}: {error})"
    return ""


def _digest(font: Path) -> str:
    load_sound_font(font)
    with font.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _splits(sources: Sequence[MidiSource]) -> dict[str, Split]:
    """Train and test by a stable hash of each family's name; both, wherever there are two families."""
    names = families(sources)
    stand_ins = [
        Song(song_id=name, split=split_of(name), duration_s=0, sample_rate_hz=1, tracks={"mix": (name,)})
        for name in names
    ]
    return {song.song_id: song.split for song in with_both_splits(stand_ins)}


def _write_rejected(path: Path, rejected: Sequence[Rejection]) -> None:
    rows = [{"midi": one.midi, "song_id": one.song_id, "reason": one.reason} for one in rejected]
    partial_file = path.with_name(f".{path.name}.partial")
    pq.write_table(pa.Table.from_pylist(rows, REJECTED_SCHEMA), partial_file)
    partial_file.replace(path)
