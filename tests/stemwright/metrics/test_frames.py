import numpy as np
import pytest

from stemwright.metrics.frames import BLOCK, blocks, framed


@pytest.mark.parametrize("size", [1, 9, 10, 11, 999])
def test_a_frame_has_its_sample_in_the_middle(size: int) -> None:
    audio = np.arange(1, size + 1, dtype=np.float32)
    frames = framed(audio, 16, 10)
    assert len(frames) == max(1, -(-size // 10))
    assert [frame[8] for frame in frames] == [audio[10 * index] for index in range(len(frames))]


def test_beyond_the_ends_there_is_silence() -> None:
    frames = framed(np.ones(100, np.float32), 16, 10)
    assert not frames[0, :8].any()
    assert frames[0, 8:].all()
    assert framed(np.zeros(0, np.float32), 16, 10).shape == (1, 16)


def test_blocks_put_together_are_all_frames_and_overlap_by_what_leads() -> None:
    frames = np.arange(3 * (BLOCK + 7), dtype=np.float32).reshape(-1, 3)
    found = list(blocks(frames, before=2))
    assert np.array_equal(np.concatenate([block[2:] for block in found]), frames)
    assert np.array_equal(found[1][:2], found[0][-2:])
    assert np.array_equal(found[0][:2], frames[[0, 0]])
