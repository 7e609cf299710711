import torch

from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.speed import speed_figures, threads


def test_a_composition_is_timed_and_the_middle_of_its_runs_told(truthful: Context) -> None:
    (figure,) = speed_figures(truthful)
    assert 0 < figure.low <= figure.value <= figure.high
    assert "2 steps" in figure.note


def test_the_number_of_threads_is_what_it_was_afterwards() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
