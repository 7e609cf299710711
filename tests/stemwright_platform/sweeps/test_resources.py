import pytest

from stemwright.errors import InputError
from stemwright_platform.sweeps.resources import GPU_SHARE, Resources


def test_trials_share_gpus_where_there_are_any() -> None:
    assert Resources().asked({"CPU": 4.0}) == {"cpu": 1.0}
    assert Resources().asked({"CPU": 4.0, "GPU": 1.0}) == {"cpu": 1.0, "gpu": GPU_SHARE}
    assert Resources(cpus=2, gpus=1.0).asked({"CPU": 4.0, "GPU": 2.0}) == {"cpu": 2.0, "gpu": 1.0}


@pytest.mark.parametrize("asked", [{"cpus": 8}, {"gpus": 0.5}])
def test_what_a_cluster_never_has_is_refused_rather_than_waited_for(asked: dict[str, float]) -> None:
    with pytest.raises(InputError, match="the cluster has"):
        Resources(**asked).asked({"CPU": 4.0})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("asked", [{"cpus": 0}, {"gpus": -1.0}, {"parallel": 0}])
def test_nonsense_is_refused(asked: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Resources(**asked)  # pyright: ignore[reportArgumentType]
