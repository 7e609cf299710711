import pytest
import torch
from scipy.stats import binomtest, chisquare
from torch import Tensor

from stemwright.curriculum import Curriculum, bootstrapping, sample_given, target_sets
from stemwright.errors import InputError

MANY = 60_000
PROGRESS = torch.linspace(0, 1, 501).tolist()


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def codes(masks: Tensor) -> Tensor:
    """Each mask's place among the target sets, [B]; −1 for the empty one."""
    return (masks.long() << torch.arange(masks.shape[1])).sum(1) - 1


def by_size(curriculum: Curriculum, progress: float) -> Tensor:
    """Probability of each number of targets, [K]."""
    sizes = target_sets(curriculum.num_tracks).sum(1)
    each = curriculum.probabilities(progress)
    return torch.stack([each[sizes == k].sum() for k in range(1, curriculum.num_tracks + 1)])


@pytest.mark.parametrize("num_tracks", [1, 2, 3, 4, 6])
def test_there_is_one_set_for_each_way_to_choose_targets(num_tracks) -> None:
    sets = target_sets(num_tracks)
    assert sets.shape == (2**num_tracks - 1, num_tracks)
    assert sets.any(1).all()
    assert codes(sets).tolist() == list(range(2**num_tracks - 1))


@pytest.mark.parametrize("num_tracks", [2, 3, 4, 6])
def test_the_curriculum_starts_with_single_tracks_alike(num_tracks) -> None:
    start = Curriculum(num_tracks=num_tracks).probabilities(0.0)
    single = target_sets(num_tracks).sum(1) == 1
    assert torch.allclose(start[single], torch.full((num_tracks,), 1 / num_tracks, dtype=torch.float64))
    assert (start[~single] == 0).all()


@pytest.mark.parametrize("num_tracks", [1, 2, 3, 4, 6])
def test_it_ends_with_every_target_set_alike(num_tracks) -> None:
    curriculum = Curriculum(num_tracks=num_tracks, full_at=0.7)
    wanted = torch.full((2**num_tracks - 1,), 1 / (2**num_tracks - 1), dtype=torch.float64)
    for progress in (0.7, 0.85, 1.0):
        assert torch.allclose(curriculum.probabilities(progress), wanted)


@pytest.mark.parametrize("num_tracks", [2, 3, 4])
def test_probabilities_stay_probabilities_and_move_smoothly_one_way(num_tracks) -> None:
    path = torch.stack([Curriculum(num_tracks=num_tracks).probabilities(p) for p in PROGRESS])
    single = target_sets(num_tracks).sum(1) == 1
    assert torch.allclose(path.sum(1), torch.ones(len(PROGRESS), dtype=torch.float64))
    assert (path >= 0).all()
    steps = path.diff(dim=0)
    assert (steps[:, single] <= 1e-12).all()
    assert (steps[:, ~single] >= -1e-12).all()
    # no jump in value nor in slope: smooth at the opening and where it is full
    assert float(steps.abs().max()) < 0.01
    assert float(steps.diff(dim=0).abs().max()) < 0.001


@pytest.mark.parametrize("num_tracks", [2, 3, 4, 5])
def test_more_targets_open_later_and_no_task_vanishes_once_it_has_opened(num_tracks) -> None:
    curriculum = Curriculum(num_tracks=num_tracks, joint_opens_at=0.3)
    sizes = torch.stack([by_size(curriculum, p) for p in PROGRESS])
    opened = [PROGRESS[int((sizes[:, k] > 0).nonzero()[0])] for k in range(num_tracks)]
    assert opened == sorted(opened)
    assert opened[0] == 0
    assert opened[-1] == pytest.approx(0.3, abs=0.005)
    if num_tracks > 2:
        assert opened[1] == pytest.approx(0, abs=0.005)
        assert opened[-2] < opened[-1]
    for k in range(num_tracks):
        assert (sizes[[p >= opened[k] for p in PROGRESS], k] > 0).all()


@pytest.mark.parametrize("progress", [0.0, 0.15, 0.3, 0.45, 1.0])
def test_sampled_targets_come_as_often_as_their_probability_says(progress) -> None:
    curriculum = Curriculum(num_tracks=4)
    wanted = curriculum.probabilities(progress)
    counts = codes(curriculum.sample_targets(progress, uniform(MANY))).bincount(minlength=15)
    possible = wanted > 0
    assert (counts[~possible] == 0).all()
    assert chisquare(counts[possible], wanted[possible] * MANY).pvalue > 1e-3


def test_the_ends_of_the_unit_interval_draw_a_task_that_is_open() -> None:
    ends = torch.tensor([0.0, 1 - 1e-16, 1 - 1e-7], dtype=torch.float64)
    for progress in (0.0, 0.1, 1.0):
        curriculum = Curriculum(num_tracks=4)
        drawn = codes(curriculum.sample_targets(progress, ends))
        assert (curriculum.probabilities(progress)[drawn] > 0).all()


def test_a_uniform_curriculum_has_every_task_from_the_first_step_on() -> None:
    uniform, progressive = (Curriculum(num_tracks=4, path=path) for path in ("uniform", "progressive"))
    for progress in (0.0, 0.3, 1.0):
        assert torch.equal(uniform.probabilities(progress), progressive.probabilities(1.0))


def test_the_shared_timestep_baseline_makes_all_tracks_at_once_always() -> None:
    joint = Curriculum(num_tracks=4, path="joint")
    uniform = torch.rand(50, generator=torch.Generator().manual_seed(1))
    for progress in (0.0, 1.0):
        assert joint.sample_targets(progress, uniform).all()


def test_an_unknown_path_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="'steep': choose from progressive, uniform, joint"):
        Curriculum(num_tracks=4, path="steep")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("bad", [{"full_at": 0.0}, {"full_at": 1.1}, {"full_at": 0.2, "joint_opens_at": 0.2}])
def test_a_curriculum_that_never_fills_is_refused(bad) -> None:
    with pytest.raises(InputError):
        Curriculum(num_tracks=4, **bad)


def contexts(target: list[bool], p1: float, mixed: bool) -> Tensor:
    """Given masks, [MANY, K], for one target set."""
    masks = torch.tensor(target).expand(MANY, -1)
    return sample_given(masks, p1, mixed, uniform(MANY, len(target) + 2, seed=7))


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("target", target_sets(4).tolist())
def test_a_target_is_never_given(target, mixed) -> None:
    given = contexts(target, 0.8, mixed)
    assert not (given & torch.tensor(target)).any()


@pytest.mark.parametrize("p1", [0.0, 0.5, 0.8, 1.0])
def test_the_paper_gives_all_other_tracks_with_p1_and_none_otherwise(p1) -> None:
    rest = torch.tensor([False, True, True, True])
    given = contexts([True, False, False, False], p1, mixed=False)
    assert ((given == rest).all(1) | ~given.any(1)).all()
    assert binomtest(int(given.any(1).sum()), MANY, p1).pvalue > 1e-3


@pytest.mark.parametrize("p1", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize(
    "target", [[True, False, False, False], [False, True, True, False], [True, True, True, False]]
)
def test_mixed_contexts_leave_p1_alone(target, p1) -> None:
    given = contexts(target, p1, mixed=True)
    assert binomtest(int(given.any(1).sum()), MANY, p1).pvalue > 1e-3


def test_half_of_the_given_contexts_are_a_random_part_of_the_rest() -> None:
    p1, rest = 0.8, [1, 2, 3]
    given = contexts([True, False, False, False], p1, mixed=True)[:, rest]
    counts = (codes(given) + 1).bincount(minlength=8)
    wanted = torch.full((8,), p1 / 2 / 8, dtype=torch.float64)
    wanted[0] = 1 - p1
    # the whole rest: half of the time outright, and where the random part came out empty
    wanted[7] = p1 / 2 + 2 * p1 / 2 / 8
    assert float(wanted.sum()) == pytest.approx(1)
    assert chisquare(counts, wanted * MANY).pvalue > 1e-3


def test_a_joint_task_has_no_context() -> None:
    assert not contexts([True] * 4, 1.0, mixed=True).any()


@pytest.mark.parametrize("p2", [0.0, 0.5, 1.0])
def test_the_teacher_is_heard_with_p2_from_its_epoch_on(p2) -> None:
    for epoch in (300, 300.5, 10_000):
        heard = bootstrapping(p2, 300, epoch, uniform(MANY))
        assert heard.dtype == torch.bool
        assert binomtest(int(heard.sum()), MANY, p2).pvalue > 1e-3


def test_the_teacher_is_never_heard_before_its_epoch() -> None:
    for epoch in (0, 1, 299.999):
        assert not bootstrapping(1.0, 300, epoch, uniform(100)).any()
