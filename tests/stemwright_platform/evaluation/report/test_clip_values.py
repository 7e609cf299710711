from report_folder import make_report_folder

from stemwright_platform.evaluation.report.clip_values import clip_values, told_values
from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation


def test_a_clip_tells_its_scores_beside_the_real_songs(tmp_path):
    evaluation = read_evaluation(make_report_folder(tmp_path, num_clips=3, sound=False))
    values = clip_values(evaluation)
    example = next(one for one in evaluation.examples if one.score == "onset_lock")
    told = told_values(evaluation, values, example.clip, "model", "joint")
    assert any(text.startswith(f"Onset lock {example.value:.2f} (real 0.") for text in told)
    assert not any("Fréchet" in text for text in told)


def test_without_scores_of_clips_nothing_is_told(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    (folder / "clip_scores.parquet").unlink()
    evaluation = read_evaluation(folder)
    assert told_values(evaluation, clip_values(evaluation), "song00_0000s", "model", "joint") == []
