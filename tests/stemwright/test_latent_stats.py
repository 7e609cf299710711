import numpy as np
import pytest
import torch

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright.latent_stats import LatentMoments, LatentStats


def some_latents(frames: int = 700, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.rand(3, 5, 1, generator=generator) * 10 + 0.5
    latents = torch.randn(3, 5, frames, generator=generator) * scale + 30 * scale
    return latents, torch.rand(3, frames, generator=generator) < 0.6


def test_merging_pieces_equals_one_pass_and_numpy():
    latents, sounding = some_latents()
    whole = LatentMoments.of(latents, sounding)
    pieces = zip(
        latents.split([1, 99, 400, 200], dim=2), sounding.split([1, 99, 400, 200], dim=1), strict=True
    )
    merged = LatentMoments.merged(LatentMoments.of(*piece) for piece in pieces)
    for track in range(3):
        frames = latents[track][:, sounding[track]].double().numpy()
        for moments in (whole, merged):
            np.testing.assert_allclose(moments.mean[track], frames.mean(axis=1), rtol=1e-12)
            np.testing.assert_allclose(
                moments.m2[track] / moments.count[track], frames.var(axis=1), rtol=1e-10
            )


def test_silent_frames_do_not_count():
    latents, sounding = some_latents()
    poisoned = torch.where(sounding[:, None], latents, torch.full_like(latents, 1e6))
    np.testing.assert_array_equal(
        LatentMoments.of(poisoned, sounding).mean, LatentMoments.of(latents, sounding).mean
    )


def test_merging_with_nothing_changes_nothing():
    moments = LatentMoments.of(*some_latents())
    nothing = LatentMoments.empty(3, 5)
    for merged in (moments.merge(nothing), nothing.merge(moments)):
        np.testing.assert_allclose(merged.mean, moments.mean)
        np.testing.assert_allclose(merged.m2, moments.m2)


def test_normalised_sounding_frames_have_zero_mean_and_unit_variance():
    latents, sounding = some_latents()
    normal = LatentMoments.of(latents, sounding).stats().normalise(latents[None])[0]
    for track in range(3):
        frames = normal[track][:, sounding[track]]
        torch.testing.assert_close(frames.mean(1), torch.zeros(5), atol=1e-4, rtol=0)
        torch.testing.assert_close(frames.std(1, correction=0), torch.ones(5), atol=1e-4, rtol=0)


def test_denormalise_undoes_normalise():
    latents, sounding = some_latents()
    stats = LatentMoments.of(latents, sounding).stats()
    batch = torch.stack([latents, latents * 2])
    torch.testing.assert_close(stats.denormalise(stats.normalise(batch)), batch)


def test_a_channel_that_never_moves_is_floored_at_a_share_of_its_track():
    latents, sounding = some_latents()
    latents[1, 2] = 7.0
    std = LatentMoments.of(latents, sounding).stats().std[1]
    others = std[torch.arange(5) != 2]
    assert 0.03 * others.mean() < std[2] < 0.06 * others.mean()


def test_a_track_that_never_sounds_is_left_as_it_is():
    latents, sounding = some_latents()
    sounding[2] = False
    stats = LatentMoments.of(latents, sounding).stats()
    torch.testing.assert_close(stats.normalise(latents)[2], latents[2])


def test_statistics_survive_a_file(tmp_path):
    stats = LatentMoments.of(*some_latents()).stats()
    stats.save(tmp_path / "stats.safetensors")
    read = LatentStats.load(tmp_path / "stats.safetensors")
    assert torch.equal(read.mean, stats.mean)
    assert torch.equal(read.std, stats.std)


def test_a_missing_or_broken_file_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"stats\.safetensors"):
        LatentStats.load(tmp_path / "stats.safetensors")
    (tmp_path / "stats.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="prepare again"):
        LatentStats.load(tmp_path / "stats.safetensors")


def test_kept_moments_come_back_and_give_the_kept_statistics(tmp_path):
    moments = LatentMoments.of(*some_latents())
    moments.save(DataFolder(tmp_path), "stats.safetensors")
    again = LatentMoments.load(DataFolder(tmp_path), "stats.safetensors")
    for name in ("count", "mean", "m2"):
        assert (getattr(again, name) == getattr(moments, name)).all()
    read = LatentStats.load(tmp_path / "stats.safetensors")
    assert torch.equal(read.mean, moments.stats().mean)
    assert torch.equal(read.std, moments.stats().std)


def test_statistics_without_moments_are_one_clear_line(tmp_path):
    LatentMoments.of(*some_latents()).stats().save(tmp_path / "stats.safetensors")
    with pytest.raises(InputError, match=r"stats\.safetensors lacks 'count': prepare"):
        LatentMoments.load(DataFolder(tmp_path), "stats.safetensors")


def test_a_weight_repeats_a_stream_in_a_merge():
    one, two = LatentMoments.of(*some_latents()), LatentMoments.of(*some_latents(seed=1))
    twice = one.merge(one).merge(two).stats()
    weighted = one.times(2).merge(two).stats()
    fraction = one.times(0.02).merge(two.times(0.01)).stats()
    for stats in (weighted, fraction):
        torch.testing.assert_close(stats.mean, twice.mean)
        torch.testing.assert_close(stats.std, twice.std)
