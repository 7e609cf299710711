"""The main job in five stages: corpus → latents → training → serving → a composition."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from stemwright_platform.demo.plan import DemoPlan, num_cores
from stemwright_platform.demo.stages import Stage
from stemwright_platform.time_left import TimeLeft, duration_text

RAY_CPUS = 4
"""Logical CPUs of the one Ray cluster that all stages share."""
HOST = "127.0.0.1"


def main_job(plan: DemoPlan, closing: ExitStack, say: Callable[[str], None]) -> list[Stage]:
    """The stages. What they leave running is ended by `closing`."""
    work = MainJob(plan, closing, say)
    music_s = plan.songs * sum(plan.song_s) / 2
    lengths = f"{plan.song_s[0]:g} to {plan.song_s[1]:g} s"
    cores = num_cores()
    return [
        Stage(
            name="corpus",
            does=f"make {plan.songs} songs of {lengths} with four stems each",
            estimate_s=4 + music_s / 50 / cores,
            settings={"songs": plan.songs, "seed": plan.seed, "song_s": plan.song_s},
            result=plan.corpus / "manifest.parquet",
            run=work.make_corpus,
        ),
        Stage(
            name="latents",
            does=f"start Ray and encode {duration_text(music_s)} of music with Ray Data",
            estimate_s=12 + music_s / 40 / cores,
            settings={"codec": plan.model_preset.codec},
            result=plan.latents / "dataset.json",
            run=work.encode_latents,
        ),
        Stage(
            name="training",
            does=f"train preset {plan.preset} with Ray Train, tracked in MLflow",
            estimate_s=25 + 60 * plan.minutes,
            settings={"preset": plan.preset, "minutes": plan.minutes},
            result=plan.model / "checkpoint.json",
            run=work.train_model,
        ),
        Stage(
            name="serving",
            does=f"serve {'the shipped' if plan.shipped else 'this'} model through the API on Ray Serve",
            estimate_s=20,
            settings={},
            result=None,
            run=work.serve_model,
        ),
        Stage(
            name="composing",
            does="Alg. 1 through HTTP: four tracks together, then two to fit the other two",
            estimate_s=15,
            settings={"prompt": plan.prompt, "piece_s": plan.piece_s, "model": _shipped_version(plan)},
            result=plan.out / "composition.json",
            run=work.compose_piece,
        ),
    ]


class MainJob:
    """The work of each stage; every method says what it did."""

    def __init__(self, plan: DemoPlan, closing: ExitStack, say: Callable[[str], None]) -> None:
        self._plan, self._closing, self._say = plan, closing, say
        self._address, self._owns_ray = "", False

    def make_corpus(self) -> str:
        """FLAC stems, MIDI and the manifest."""
        from stemwright_platform.corpus.demo_corpus import make_demo_corpus

        plan, progress = self._plan, TimeLeft("making songs", self._plan.songs)
        try:
            make_demo_corpus(
                plan.corpus,
                plan.songs,
                seed=plan.seed,
                duration_s=plan.song_s,
                jobs=num_cores(),
                on_song=lambda song_id: progress.advance(1, song_id),
            )
        finally:
            progress.close()
        return f"made {plan.songs} songs"

    def encode_latents(self) -> str:
        """Latent shards, by Ray Data."""
        from stemwright_platform.commands.prepare import encode, plan
        from stemwright_platform.corpus.encode import CodecChoice
        from stemwright_platform.corpus.manifest import read_manifest

        self._connect()
        songs = read_manifest(self._plan.corpus / "manifest.parquet")
        choice = CodecChoice(name=self._plan.model_preset.codec)
        info = encode(plan(songs, self._plan.latents, choice), choice, workers=num_cores())
        return f"encoded {info.num_chunks} chunks of {sum(info.num_songs.values())} songs"

    def train_model(self) -> str:
        """A registered model, by Ray Train; the best one is copied to the demo's model folder."""
        from stemwright.training_run import TrainingPlan
        from stemwright_platform.training.launch import launch

        plan = self._plan
        self._connect()
        asked = TrainingPlan(
            preset=plan.model_preset, data=str(plan.latents), minutes=plan.minutes, seed=plan.seed
        )
        outcome = launch(asked, plan.run, tracking_uri=plan.tracking_uri)
        if outcome.tracking_failure:
            self._say(f"MLflow does not have all of the run: {outcome.tracking_failure}")
        _copy_folder(outcome.folder.model, plan.model)
        registered = f", registered as {outcome.registration}" if outcome.registration else ""
        return f"trained preset {plan.preset}{registered}"

    def serve_model(self) -> str:
        """The API on the same Ray."""
        from stemwright_platform.serving.local_server import local_server, local_settings

        self._connect()
        port = free_port(self._plan.port)
        if port != self._plan.port:
            self._say(f"port {self._plan.port} is taken: serving on {port}")
        settings = local_settings(str(self._plan.served), self._plan.state)
        server = local_server(settings, host=HOST, port=port, ends_ray=self._owns_ray)
        self._address = self._closing.enter_context(server)
        which = "the shipped model" if self._plan.shipped else "the model"
        return f"served {which} at {self._address}"

    def compose_piece(self) -> str:
        """Stems and mix of both rounds, and a real song's to compare."""
        from stemwright_platform.client import Client
        from stemwright_platform.corpus.manifest import read_manifest
        from stemwright_platform.demo.alg1 import compose_by_algorithm_1
        from stemwright_platform.demo.held_out_song import described, held_out_song, write_excerpt

        plan = self._plan
        song = held_out_song(read_manifest(plan.corpus / "manifest.parquet"))
        prompt = described(song.metadata) if plan.prompt is None else plan.prompt
        progress = Shares("composing")
        try:
            with Client(self._address) as client:
                composed = compose_by_algorithm_1(
                    client,
                    plan.out,
                    prompt=prompt,
                    duration_s=plan.piece_s,
                    seed=plan.seed,
                    on_progress=progress,
                )
        finally:
            progress.close()
        write_excerpt(song, plan.excerpt, tracks=composed.tracks, duration_s=plan.piece_s)
        return f"composed {plan.piece_s:g} s of {', '.join(composed.tracks)}"

    def _connect(self) -> None:
        """Start the Ray of all stages once; it ends with the demo."""
        import ray

        from stemwright_platform.cluster import connect

        if not ray.is_initialized():
            connect(RAY_CPUS)
            self._owns_ray = True
            self._closing.callback(ray.shutdown)


class Shares:
    """Progress told as shares of the whole that may repeat themselves."""

    def __init__(self, label: str) -> None:
        self._progress, self._done = TimeLeft(label, 1.0), 0.0

    def __call__(self, share: float, what: str) -> None:
        if share > self._done:
            self._progress.advance(share - self._done, what)
            self._done = share

    def close(self) -> None:
        self._progress.close()


def free_port(wanted: int) -> int:
    """`wanted` where it can be had, else one that is free. InputError for one of Ray's own."""
    import socket

    from stemwright.errors import InputError
    from stemwright_platform.serving.local_server import RAY_PORTS, check_port

    try:
        check_port(HOST, wanted)
        return wanted
    except InputError:
        if wanted in RAY_PORTS:
            raise
    while True:
        with socket.create_server((HOST, 0)) as server:
            port = int(server.getsockname()[1])
        if port not in RAY_PORTS:
            return port


def _shipped_version(plan: DemoPlan) -> str | None:
    """Tells one shipped model from another; None for the demo's own: its training has settings enough."""
    from stemwright.checkpoint import load_checkpoint

    return load_checkpoint(plan.served).fingerprint if plan.shipped else None


def _copy_folder(source: Path, target: Path) -> None:
    """Copy a folder, whole or not at all; an older one is replaced."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
