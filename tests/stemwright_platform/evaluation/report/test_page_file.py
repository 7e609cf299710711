import pytest

from stemwright_platform.evaluation.report.page_file import told_fact, told_facts, write_page


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        ([], ""),
        (True, "yes"),
        (18_800_000, "18,800,000"),
        (600, "600"),
        (1.50, "1.5"),
        (["joint", "bass_alone"], "joint, bass_alone"),
        ({"seed": 1, "solver": None, "steps": 30}, "seed: 1; steps: 30"),
    ],
)
def test_facts_of_any_kind_become_words(value, words):
    assert told_fact(value) == words


def test_what_is_not_known_is_left_out():
    assert told_facts({"num_steps": 30, "solver": None}) == {"num steps": "30"}


def test_a_page_is_written_over_whole(tmp_path):
    path = tmp_path / "index.html"
    write_page(path, "a long page")
    write_page(path, "short")
    assert path.read_text() == "short"
    assert list(tmp_path.iterdir()) == [path]
