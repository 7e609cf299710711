import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from report_folder import edit_report, make_report_folder

from stemwright.errors import InputError
from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.report_comparison import compare_evaluations, compare_reports


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("two")
    return (
        make_report_folder(place / "first", num_clips=12, sound=False),
        make_report_folder(place / "second", num_clips=12, level=0.7, seed=2, sound=False),
    )


def again(folder: Path, tmp_path: Path, **changes) -> Path:
    """A copy of an evaluation with another report.json."""
    copy = tmp_path / f"{folder.name}-again"
    copy.mkdir()
    for name in ("report.json", "clip_scores.parquet"):
        (copy / name).write_bytes((folder / name).read_bytes())
    edit_report(copy, **changes)
    return copy


def test_the_better_model_wins_and_the_signs_turn_with_the_order(folders):
    first, second = map(read_evaluation, folders)
    there, back = compare_evaluations(first, second), compare_evaluations(second, first)
    lock = [next(row for row in found.rows if row.score == "onset_lock") for found in (there, back)]
    assert lock[0].difference < 0 < lock[1].difference
    assert lock[0].stars


def test_models_of_one_title_go_by_their_folders(folders):
    assert compare_evaluations(*map(read_evaluation, folders)).names == ("first", "second")


def test_page_and_json_are_written_and_written_again(folders, tmp_path):
    out = tmp_path / "compared"
    page = compare_reports(*folders, out)
    assert compare_reports(*folders, out) == page
    report = json.loads((out / "comparison.json").read_text())
    assert len(report["comparisons"]) > 10
    assert len(report["clips"]) == 12
    text = page.read_text()
    assert "first" in text
    assert "second" in text


def test_settings_that_differ_are_told(folders, tmp_path):
    settings = edit_report(folders[1])["settings"]
    other = again(folders[1], tmp_path, settings={**settings, "guidance_scale": 7})
    compared = compare_evaluations(read_evaluation(folders[0]), read_evaluation(other))
    assert compared.differing == {"settings: guidance_scale": (1.5, 7)}


def test_clips_that_only_one_has_are_left_out(folders, tmp_path):
    clips = edit_report(folders[1])["clips"]
    other = again(folders[1], tmp_path, clips=clips[:5])
    compared = compare_evaluations(read_evaluation(folders[0]), read_evaluation(other))
    assert len(compared.clips) == 5
    assert {row.n for row in compared.rows} == {5}


@pytest.mark.parametrize(
    ("field", "value"), [("song", "x"), ("start_s", 3.0), ("duration_s", 9.0), ("prompt", "?")]
)
def test_clips_of_other_music_are_refused_in_one_line(folders, tmp_path, field, value):
    clips = edit_report(folders[1])["clips"]
    other = again(folders[1], tmp_path, clips=[{**clip, field: value} for clip in clips])
    with pytest.raises(InputError, match=f"other {field.removesuffix('_s')}") as error:
        compare_reports(folders[0], other, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_evaluations_without_a_clip_or_a_task_in_common_are_refused(folders, tmp_path):
    clips = [{**clip, "clip": f"other {clip['clip']}"} for clip in edit_report(folders[1])["clips"]]
    with pytest.raises(InputError, match="share no clips"):
        compare_reports(folders[0], again(folders[1], tmp_path, clips=clips), tmp_path / "out")
    (tmp_path / "alike").mkdir()
    infos = again(folders[1], tmp_path / "alike", scores_info=[])
    with pytest.raises(InputError, match="same --tasks"):
        compare_reports(folders[0], infos, tmp_path / "out")


def test_other_files_are_never_written_over(folders, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="other files"):
        compare_reports(*folders, tmp_path)
    with pytest.raises(InputError, match="another --out"):
        compare_reports(*folders, folders[0])
    assert (folders[0] / "report.json").is_file()


def test_what_the_page_plays_lies_beside_it(tmp_path):
    first = make_report_folder(tmp_path / "first", num_clips=3)
    second = make_report_folder(tmp_path / "second", num_clips=3, level=0.7, seed=2)
    page = compare_reports(first, second, tmp_path / "out")
    parts = page.read_text().split('src="')
    audio = [unquote(part.split('"')[0]) for part in parts[1:] if ".flac" in part.split('"')[0]]
    assert len(audio) >= 3
    assert all((tmp_path / "out" / address).is_file() for address in audio)
    assert {address.split("/")[0] for address in audio} == {"a", "b"}
