from matplotlib.image import imread
from report_folder import edit_report, make_report_folder

from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.score_pictures import draw_pictures
from stemwright_platform.evaluation.task_name import named_tasks, task_name


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


def test_many_tasks_are_drawn_by_mode_so_that_the_picture_stays_small(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = [row for row in edit_report(folder)["rows"] if row["score"] == "onset_lock"]
    tasks = [task_name(task) for task in named_tasks(("splits", "marginal"), TRACKS)]
    joint = [row for row in rows if (row["system"], row["task"]) == ("model", "joint")]
    few = draw_heights(folder, rows)
    many = draw_heights(folder, rows + [{**row, "task": task} for row in joint for task in tasks])
    assert many <= few


def draw_heights(folder, rows) -> int:
    edit_report(folder, rows=rows)
    return sum(imread(p.file).shape[0] for p in draw_pictures(read_evaluation(folder), folder)[1:])
