import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.plan import Plan


def test_there_is_a_check_of_each_kind_for_every_ten_pairs_and_one_at_least() -> None:
    assert [Plan().num_checks(pairs) for pairs in (1, 10, 25, 40)] == [1, 1, 2, 4]
    assert Plan(checks=0).num_checks(40) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"pairs": 0},
        {"checks": -1},
        {"longest_s": 0.0},
        {"questions": ()},
        {"questions": (" ",)},
        {"post_to": "me"},
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        Plan(**wrong)
