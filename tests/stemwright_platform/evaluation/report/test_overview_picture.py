from report_folder import make_report_folder

from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.overview_picture import draw_overview


def test_shares_far_outside_stay_in_the_picture_and_keep_their_number_in_its_words(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=8, level=5.0, sound=False)
    picture = draw_overview(read_evaluation(folder), folder)
    assert picture is not None
    assert picture.file.is_file()
    assert "Onset lock joint 6." in picture.alt
