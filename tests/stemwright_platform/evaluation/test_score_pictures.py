from matplotlib.image import imread
from report_folder import edit_report, make_report_folder

from stemwright_platform.evaluation.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.score_pictures import draw_pictures


def test_every_score_with_an_opinion_is_drawn_and_the_overview_first(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=4, sound=False)
    pictures = draw_pictures(read_evaluation(folder), folder)
    assert pictures[0].file.name == "overview.png"
    drawn = {picture.file.stem.removeprefix("score-") for picture in pictures[1:]}
    assert drawn == {
        "frechet.musicnn", "tag_agreement", "onset_lock", "chroma_agreement", "leakage", "key_adherence",
    }  # fmt: skip
    assert all(imread(picture.file).std() > 0.01 for picture in pictures)


def test_a_score_of_which_nothing_was_made_is_not_drawn(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = [row for row in edit_report(folder)["rows"] if row["system"] == "real"]
    edit_report(folder, rows=rows)
    assert draw_pictures(read_evaluation(folder), folder) == []


def test_figures_without_intervals_and_without_values_can_be_drawn(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = edit_report(folder)["rows"]
    edit_report(folder, rows=[{**row, "low": None, "high": None} for row in rows])
    assert draw_pictures(read_evaluation(folder), folder)
