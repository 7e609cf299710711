import pytest
from report_folder import INFOS

from stemwright_platform.evaluation.report.score_group import group_of, grouped
from stemwright_platform.evaluation.score_infos import all_infos


@pytest.mark.parametrize(
    ("score", "group"),
    [
        ("frechet.vggish", "quality"),
        ("frechet_infinity.musicnn-msd", "quality"),
        ("clap", "text"),
        ("tag_agreement", "text"),
        ("onset_lock", "coherence"),
        ("key_agreement", "coherence"),
        ("cocola", "coherence"),
        ("key_adherence", "adherence"),
        ("leakage", "fidelity"),
        ("given_change", "fidelity"),
        ("clipping", "levels"),
        ("silence", "levels"),
        ("nearest_training", "diversity"),
        ("anything", "other"),
    ],
)
def test_a_score_belongs_to_the_group_of_its_kind(score, group):
    assert group_of(score).name == group


def test_grouping_loses_no_score_and_keeps_their_order():
    groups = grouped(INFOS)
    assert sorted(info.score for _, infos in groups for info in infos) == sorted(i.score for i in INFOS)
    for _, infos in groups:
        assert infos == [info for info in INFOS if info in infos]


def test_every_score_there_is_has_a_section():
    assert [info.score for info in all_infos() if group_of(info.score).name == "other"] == []
