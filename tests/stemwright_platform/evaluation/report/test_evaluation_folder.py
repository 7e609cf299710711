import json
import math

import pytest
from report_folder import edit_report, make_report_folder

from stemwright.errors import InputError
from stemwright_platform.evaluation.report.evaluation_folder import find_clip, find_part, read_evaluation


def test_a_report_comes_back_with_nulls_as_numbers_that_are_none(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    written = json.loads((folder / "report.json").read_text())
    evaluation = read_evaluation(folder)
    assert len(evaluation.rows) == len(written["rows"])
    for row, entry in zip(evaluation.rows, written["rows"], strict=True):
        assert math.isnan(row.value) if entry["value"] is None else row.value == entry["value"]
    assert list(evaluation.clips) == [clip["clip"] for clip in written["clips"]]


def test_fields_of_later_versions_are_passed_over(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = json.loads((folder / "report.json").read_text())["rows"]
    edit_report(folder, rows=[{**row, "later": 1} for row in rows], another="x")
    assert len(read_evaluation(folder).rows) == len(rows)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read"),
        ("[]", "format None"),
        ('{"format_version": 2}', "format 2"),
        ('{"format_version": 1}', "damaged"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(tmp_path, text, told):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(InputError, match=told) as error:
        read_evaluation(tmp_path)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_report_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no report"):
        read_evaluation(tmp_path)


def test_a_row_of_no_task_stands_in_for_a_missing_one(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    rows = json.loads((folder / "report.json").read_text())["rows"]
    general = {**rows[0], "system": "other", "task": ""}
    edit_report(folder, rows=[general, *rows])
    evaluation = read_evaluation(folder)
    found = evaluation.row(rows[0]["score"], "other", "joint", rows[0]["part"])
    assert found is not None
    assert found.task == ""
    assert evaluation.row(rows[0]["score"], "nobody", "joint", rows[0]["part"]) is None


def test_clips_are_found_by_task_or_wherever_the_system_has_them(tmp_path):
    here = tmp_path / "clips" / "real" / "joint" / "a[1]"
    here.mkdir(parents=True)
    (here / "mix.wav").touch()
    assert find_clip(tmp_path, "real", "bass_alone", "a[1]") == here
    assert find_clip(tmp_path, "real", "joint", "b") is None
    assert find_clip(tmp_path, "nobody", "joint", "a[1]") is None
    assert find_part(here, "mix") == here / "mix.wav"
    assert find_part(here, "bass") is None
