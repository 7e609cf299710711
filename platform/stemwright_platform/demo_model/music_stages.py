"""The stages that end in latents: songs, rendered MIDI, the codec, encoding."""

from pathlib import Path
from typing import TYPE_CHECKING

from stemwright_platform.demo.plan import num_cores
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import CODEC_STEPS, VARIANTS
from stemwright_platform.time_left import TimeLeft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stemwright.dataset_info import DatasetInfo
    from stemwright_platform.corpus.manifest import Song


class MusicStages:
    """Each method does what is missing of its stage and says what is there then."""

    CODEC_FILE = "conv_codec.safetensors"

    def __init__(self, plan: DemoModelPlan) -> None:
        self._plan = plan

    @property
    def codec_steps(self) -> int:
        """Of a codec's training."""
        return self._plan.codec_steps or CODEC_STEPS

    def make_songs(self) -> str:
        """The demo corpus."""
        from stemwright_platform.corpus.demo_corpus import make_demo_corpus

        plan, progress = self._plan, TimeLeft("making songs", self._plan.songs)
        try:
            make_demo_corpus(
                plan.corpus,
                plan.songs,
                seed=plan.seed,
                duration_s=plan.song_s,
                soundfonts=plan.fonts,
                jobs=num_cores(),
                on_song=lambda song_id: progress.advance(1, song_id),
            )
        finally:
            progress.close()
        return f"made {plan.songs:,} songs"

    def render_midi(self) -> str:
        """The MIDI files as a corpus."""
        from stemwright_platform.corpus.midi.rendered_corpus import (
            RenderSettings,
            plan_corpus,
            render_corpus,
        )

        plan = self._plan
        assert plan.midi is not None
        settings = RenderSettings(
            soundfonts=plan.fonts, seed=plan.seed, variants=VARIANTS, source="MIDI", licence=plan.licence
        )
        work = plan_corpus(plan.midi, plan.rendered, settings, jobs=plan.jobs)
        progress = TimeLeft("rendering", work.missing_s)
        try:
            made = render_corpus(
                work, plan.rendered, jobs=plan.jobs, on_song=lambda name, s: progress.advance(s, name)
            )
        finally:
            progress.close()
        return f"rendered {len(made.songs):,} songs, {len(made.rejected)} rejected"

    def train_codec(self) -> str:
        """The codec, on the training songs' stems."""
        from stemwright.codec_training.codec_learner import CodecTraining
        from stemwright.codec_training.codec_run import CodecPlan, train_codec

        plan = self._plan
        training = CodecTraining(steps=self.codec_steps)
        progress, done = TimeLeft("training the codec", self.codec_steps), 0

        def on_step(step: int) -> None:
            nonlocal done
            progress.advance(step - done, f"step {step:,}")
            done = step

        try:
            train_codec(
                CodecPlan(files=self.training_stems(), training=training, seed=plan.seed),
                plan.codec_run,
                device=plan.device,
                on_step=on_step,
            )
        finally:
            progress.close()
        return f"trained the codec in {self.codec_steps:,} steps"

    def encode(self) -> str:
        """Latents of every corpus."""
        from stemwright_platform.corpus.manifest import read_manifest

        counts = []
        for name, manifest in self._plan.manifests.items():
            info = self._encode(read_manifest(manifest), self._plan.latents[name])
            counts.append(f"{sum(info.num_songs.values()):,} {name} songs, {info.hours:.1f} h")
        return f"encoded {'; '.join(counts)}"

    def _encode(self, songs: "Sequence[Song]", folder: Path) -> "DatasetInfo":
        plan = self._plan
        if not plan.local:
            from stemwright_platform.commands import prepare

            return prepare.encode(prepare.plan(songs, folder, plan.codec), plan.codec, workers=plan.jobs)
        from stemwright_platform.corpus.encode_locally import prepare_locally
        from stemwright_platform.corpus.encode_shard import Encoding
        from stemwright_platform.corpus.manifest import tracks_of

        encoding = Encoding(codec=plan.codec.load(), tracks=tracks_of(songs))
        progress = TimeLeft("encoding", sum(song.duration_s for song in songs))
        try:
            return prepare_locally(
                songs, folder, encoding, on_shard=lambda shard: progress.advance(shard.duration_s, shard.name)
            )
        finally:
            progress.close()

    def training_stems(self) -> list[Path]:
        """Every stem of the training songs of all corpora."""
        from stemwright_platform.corpus.manifest import read_manifest

        songs = [song for manifest in self._plan.manifests.values() for song in read_manifest(manifest)]
        return [
            Path(path)
            for song in songs
            if song.split == "train"
            for paths in song.tracks.values()
            for path in paths or ()
        ]
