from report_folder import make_report_folder

from stemwright_platform.evaluation.report.comparison_page import sentences
from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.report_comparison import compare_evaluations
from stemwright_platform.evaluation.report.summary import LIMITS


def test_the_sentences_name_the_better_one_and_what_the_figures_do_not_say(tmp_path):
    worse, better = (
        read_evaluation(make_report_folder(tmp_path / name, num_clips=8, level=level, seed=seed, sound=False))
        for name, level, seed in (("worse", 0.4, 1), ("better", 0.8, 2))
    )
    told = sentences(compare_evaluations(worse, better))
    assert "worse is better in 0" in told[0]
    assert "better is ahead" in told[1]
    assert told[-1] == LIMITS


def test_equal_models_have_no_clearest_figure(tmp_path):
    both = [
        read_evaluation(make_report_folder(tmp_path / name, num_clips=4, sound=False))
        for name in ("one", "two")
    ]
    told = sentences(compare_evaluations(both[0], both[1]))
    assert "better in 0 and two in 0" in told[0]
    assert not any("clearest" in sentence for sentence in told)
