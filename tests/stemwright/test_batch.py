from dataclasses import replace

import torch
from toy_learning import FRAMES, toy_batch

from stemwright.batch import Batch


def test_batches_joined_and_taken_apart_are_as_they_were() -> None:
    one, other = toy_batch(1, size=3), toy_batch(2, size=2)
    whole = Batch.joined([one, other])
    assert whole.frame_mask is None
    again = whole.rows([3, 4])
    assert again.prompts == other.prompts
    for name in ("latents", "presence", "sample_ids"):
        assert torch.equal(getattr(again, name), getattr(other, name))
    assert whole.rows([4, 0]).prompts == (other.prompts[1], one.prompts[0])


def test_one_padded_batch_makes_a_mask_for_all() -> None:
    padded = torch.arange(FRAMES) < torch.tensor([[FRAMES], [5]])
    whole = Batch.joined([toy_batch(1, size=1), replace(toy_batch(2, size=2), frame_mask=padded)])
    assert whole.frame_mask is not None
    assert whole.frame_mask.sum(1).tolist() == [FRAMES, FRAMES, 5]
    assert torch.equal(whole.rows([2]).real_frames, padded[1:])
