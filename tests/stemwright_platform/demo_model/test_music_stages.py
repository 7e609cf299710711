from pathlib import Path

from stemwright.dataset_info import DatasetInfo
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.demo_model.music_stages import MusicStages
from stemwright_platform.demo_model.plan import DemoModelPlan


def test_songs_a_codec_trained_on_them_and_their_latents(tmp_path: Path) -> None:
    plan = DemoModelPlan(out=tmp_path / "out", songs=3, song_s=4.0, codec_steps=1, local=True)
    stages = MusicStages(plan)
    assert stages.make_songs() == "made 3 songs"
    songs = read_manifest(plan.manifests["demo"])
    stems = stages.training_stems()
    training = {song.song_id for song in songs if song.split == "train"}
    assert {path.parent.name for path in stems} == training < {song.song_id for song in songs}
    stages.train_codec()
    assert (plan.codec_run / stages.CODEC_FILE).is_file()
    stages.encode()
    info = DatasetInfo.load(plan.latents["demo"])
    assert (info.codec, sum(info.num_songs.values())) == ("conv", 3)
    assert info.codec_fingerprint == plan.codec.load().fingerprint
