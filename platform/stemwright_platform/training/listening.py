"""Samples of a checkpoint: the same few things every time, made beside training by a process of its own.

python -m stemwright_platform.training.listening '{"run": "runs/first", "step": 200, …}'
"""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from stemwright.compose import Composer
    from stemwright.tasks import Task
    from stemwright_platform.training.excerpt import Excerpt

SEED = 20
MAX_STEPS = 25
"""Solver steps: enough to hear what a model knows, few enough for one thread."""
REFERENCE, FACTS = "reference", "samples.json"
NICENESS = 10
"""Training comes first."""
FAULT = "fault: "
"""How the line begins that says what went wrong."""
ABANDONED = 3
"""Exit code of a process whose driver has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a listening process is told."""

    run: str
    """The run's folder."""
    step: int
    """Of the checkpoint to listen to."""
    model: str
    """Its folder, or a copy without training state."""
    data: tuple[str, ...]
    """Data sets, as the run's plan has them."""
    text_weights: str | None = None
    """Local folder of the text encoder."""
    limit_s: int = 3600
    """After so long it ends itself, with what it has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One thing to make."""

    name: str
    """Of its files."""
    heading: str
    """For the page."""
    targets: tuple[str, ...]
    given: tuple[str, ...]
    continues: bool = False
    """Whether the first half of the targets is the song's own."""


def pieces(names: tuple[str, ...], *, regions: bool) -> list[Piece]:
    """Everything from the text, then each track given the others, for the tracks that the song has.

    `regions`: also the second half given the first.
    """
    joint = Piece(name="joint", heading="All tracks from the description", targets=names, given=())
    one_by_one = [
        Piece(
            name=f"{name}_given_rest",
            heading=f"{name.capitalize()}, given the rest",
            targets=(name,),
            given=tuple(other for other in names if other != name),
        )
        for name in names
    ]
    heading = "The song's first half, continued"
    half = Piece(name="continuation", heading=heading, targets=names, given=(), continues=True)
    return [joint, *(one_by_one if len(names) > 1 else []), *([half] if regions else [])]


def samples_folder(run: Path, step: int) -> Path:
    """Where the samples of a step lie."""
    return run / "samples" / f"step-{step:07d}"


def is_complete(folder: Path) -> bool:
    """Whether all samples of a folder have been made."""
    try:
        return json.loads((folder / FACTS).read_text())["complete"]
    except (OSError, ValueError):
        return False


def listen(order: Order) -> None:
    """Make the samples of a checkpoint and bring the page up to date after each.

    Raises InputError where nothing is held out, or the codec or the text encoder is not at hand.
    """
    from stemwright.checkpoint import load_checkpoint
    from stemwright.codec import load_codec
    from stemwright.compose import Composer
    from stemwright.data_mix import DataMix
    from stemwright.data_source import DataSource
    from stemwright.errors import InputError
    from stemwright.text_encoder import load_text_encoder
    from stemwright_platform.training.excerpt import choose_excerpt

    checkpoint = load_checkpoint(order.model)
    excerpt = choose_excerpt(DataMix.open(DataSource.of(text) for text in order.data))
    if excerpt is None:
        raise InputError("no song is held out: samples are made for held-out songs")
    codec = load_codec(checkpoint.origin.codec)
    encoder = load_text_encoder(checkpoint.origin.text_encoder, weights=order.text_weights)
    Listening(Composer(checkpoint, codec, encoder), excerpt, Path(order.run), order.step).run()


class Listening:
    """A checkpoint, an excerpt, and the files that come of them."""

    def __init__(self, composer: "Composer", excerpt: "Excerpt", run: Path, step: int) -> None:
        self._composer, self._excerpt, self._run, self._step = composer, excerpt, run, step
        self._folder = samples_folder(run, step)
        self._rate = composer.codec.sample_rate_hz
        self._duration_s = excerpt.latents.shape[-1] * composer.codec.hop / self._rate
        self._names = tuple(
            name
            for name, there in zip(composer.checkpoint.tracks.names, excerpt.presence, strict=True)
            if there
        )
        self._given = composer.checkpoint.stats.normalise(excerpt.latents)
        self._real = composer.coder.decode(self._given, self._task(self._names), self._duration_s)

    def run(self) -> None:
        """Make everything that is not there yet."""
        from stemwright_platform.training.samples_page import write_samples_page

        self._folder.mkdir(parents=True, exist_ok=True)
        loudest_db = self._write_reference()
        started, done = time.monotonic(), list[dict[str, Any]]()
        regions = self._composer.checkpoint.preset.training.region_probability > 0
        wanted = pieces(self._names, regions=regions)
        for piece in wanted:
            self._write(piece, self._made(piece), loudest_db)
            done.append(asdict(piece))
            facts = {
                "step": self._step,
                "pieces": done,
                "seconds": round(time.monotonic() - started, 1),
                "complete": len(done) == len(wanted),
            }
            _write_json(self._folder / FACTS, facts)
            write_samples_page(self._run / "samples", self._run.name)

    def _made(self, piece: Piece) -> dict[str, "Tensor"]:
        """Stems `[2, n]` of the targets."""
        from stemwright.compose import Request, start_sampling
        from stemwright.sampler import run

        checkpoint, task = self._composer.checkpoint, self._task(piece.targets, piece.given)
        request = Request(
            prompt=self._excerpt.prompt,
            task=task,
            duration_s=self._duration_s,
            seed=SEED,
            num_steps=min(checkpoint.sampling.num_steps, MAX_STEPS),
            solver="dpmpp_2m",
        )
        half = self._composer.coder.frames_outside(self._duration_s / 2, self._duration_s, self._duration_s)
        known = half if piece.continues else None
        sampling = start_sampling(checkpoint, request, self._given, self._composer.embed(request), known)
        return self._composer.coder.decode(run(self._composer.denoiser, sampling), task, self._duration_s)

    def _write(self, piece: Piece, made: dict[str, "Tensor"], loudest_db: float) -> None:
        """The mix, each target alone, and the spectrogram beside the real one."""
        from stemwright.mixing import mix
        from stemwright_platform.spectrogram import draw_pair, draw_plain

        whole = mix([(self._real | made)[name] for name in (*piece.targets, *piece.given)])
        self._write_audio(f"{piece.name}.flac", whole)
        for name in made if len(self._names) > 1 else ():
            self._write_audio(f"{piece.name}.{name}.flac", made[name])
        real = [self._real[name] for name in piece.targets]
        levels, beside = self._levels(mix(made.values())), self._levels(mix(real))
        draw_plain(levels, loudest_db, self._folder / f"{piece.name}.png")
        path = self._folder / f"{piece.name}.beside_real.png"
        title = f"{piece.heading}: step {self._step:,}"
        draw_pair(levels, beside, loudest_db, path, title=title, duration_s=self._duration_s)

    def _write_reference(self) -> float:
        """The real song through the codec, once a run; returns its loudest level, dB."""
        from stemwright.mixing import mix
        from stemwright_platform.spectrogram import draw_plain

        folder = self._run / "samples" / REFERENCE
        whole = mix(list(self._real.values()))
        loudest_db = float(self._levels(whole).max())
        if not (folder / FACTS).exists():
            folder.mkdir(parents=True, exist_ok=True)
            for name, audio in {"mix": whole, **self._real}.items():
                self._write_audio(folder / f"{name}.flac", audio)
                draw_plain(self._levels(audio), loudest_db, folder / f"{name}.png")
            excerpt = self._excerpt
            facts = {
                "song": excerpt.song_id,
                "start_s": round(excerpt.start_s, 2),
                "duration_s": round(self._duration_s, 3),
                "prompt": excerpt.prompt,
                "tracks": self._names,
                "complete": True,
                "slots": self._composer.checkpoint.tracks.names,
            }
            _write_json(folder / FACTS, facts)
        return loudest_db

    def _write_audio(self, path: Path | str, audio: "Tensor") -> None:
        from stemwright.audio import write_audio

        write_audio(self._folder / path, audio, self._rate, subtype="PCM_16")

    def _levels(self, audio: "Tensor") -> Any:
        from stemwright_platform.spectrogram import levels_of

        return levels_of(audio, self._rate)

    def _task(self, targets: tuple[str, ...], given: tuple[str, ...] = ()) -> "Task":
        from stemwright.tasks import Task

        return Task(targets, given, tracks=self._composer.checkpoint.tracks)


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def end_with_driver() -> None:
    """Whoever gave the order holds the other end of stdin: once that is gone, nobody waits for samples."""

    def wait() -> None:
        os.read(0, 1)  # not sys.stdin: its lock, held by this thread, would break an ordinary end
        os._exit(ABANDONED)

    threading.Thread(target=wait, name="driver", daemon=True).start()


def main(argument: str) -> int:
    """Carry out an order; what goes wrong is a line on stderr that begins with FAULT."""
    values = json.loads(argument)
    order = Order(**{**values, "data": tuple(values["data"])})
    os.nice(NICENESS)
    end_with_driver()
    signal.alarm(order.limit_s)
    import torch

    torch.set_num_threads(1)
    try:
        listen(order)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        print(f"{FAULT}{reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
