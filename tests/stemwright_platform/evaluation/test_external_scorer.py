import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stand_in import stand_in, starts

from stemwright.errors import InputError
from stemwright_platform.evaluation.external_scorer import ExternalScorer, ScorerHello, scorer_script

SUMS = """
from array import array
hello()
for line in sys.stdin:
    request = json.loads(line)
    found = []
    for one in request["arrays"]:
        samples = array("f")
        samples.frombytes(Path(one["path"]).read_bytes())
        found.append([sum(samples), *one["shape"]])
    say({"id": request["id"], "values": found or [[float(len(text)) for text in request["texts"]]]})
"""


def answering(*lines: str) -> str:
    """A scorer that says hello and does this at every question, `{id}` being the question's."""
    told = "\n".join(f"    {line}" for line in lines).replace("{id}", "request['id']")
    return f"hello()\nfor line in sys.stdin:\n    request = json.loads(line)\n{told}\n"


def test_sound_goes_by_files_and_numbers_come_back(tmp_path: Path) -> None:
    arrays = [np.ones((2, 3), dtype=np.float32), np.full((1, 4), 0.5, dtype=np.float32)]
    with ExternalScorer(stand_in(tmp_path, SUMS)) as scorer:
        assert scorer.hello == ScorerHello(name="stand-in", version="1", fingerprint="abc")
        np.testing.assert_array_equal(scorer.ask("sum", arrays=arrays), [[6, 2, 3], [2, 1, 4]])
        np.testing.assert_array_equal(scorer.ask("length", texts=["slow", "blues é"]), [[4, 7]])
        assert starts(scorer.command) == 1


def test_files_are_gone_after_the_answer(tmp_path: Path) -> None:
    body = answering(
        "(here / 'seen').write_text(request['arrays'][0]['path'])", "say({'id': {id}, 'values': [1]})"
    )
    with ExternalScorer(stand_in(tmp_path, body)) as scorer:
        scorer.ask("x", arrays=[np.zeros(3, dtype=np.float32)])
    assert not Path((tmp_path / "seen").read_text()).exists()


def test_a_process_that_dies_once_is_started_again_and_nobody_notices(tmp_path: Path) -> None:
    body = answering("if starts == 1: os._exit(3)", "say({'id': {id}, 'values': [7]})")
    with ExternalScorer(stand_in(tmp_path, body)) as scorer:
        np.testing.assert_array_equal(scorer.ask("x"), [7])
        np.testing.assert_array_equal(scorer.ask("x"), [7])
        assert starts(scorer.command) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (answering("print('no memory', file=sys.stderr)", "sys.exit(9)"), r"ended with 9 \(no memory\)"),
        (answering("time.sleep(60)"), r"gave no answer within 0\.5 s"),
        (answering("say('Loading: 100%')"), "answered 'Loading: 100%', which is not JSON"),
        (answering("say([1, 2])"), "which is no object"),
        (answering("say({'id': 99, 'values': [1]})"), "answered another question"),
        (answering("say({'id': {id}})"), "something other than numbers"),
        (answering("say({'id': {id}, 'values': [float('nan')]})"), "something other than numbers"),
        (answering("say({'id': {id}, 'values': [[1], [2, 3]]})"), "no table of numbers"),
        (answering("say({'id': {id}, 'values': 'lots'})"), "no table of numbers"),
        ("import nothing_of_that_name\n", r"ended with 1 \(ModuleNotFoundError: .*nothing_of_that_name"),
        ("say({'hello': {'name': 'x'}})\ntime.sleep(60)\n", "did not say who it is"),
        ("sys.exit(0)\n", "ended with 0"),
    ],
)
def test_what_goes_wrong_twice_is_one_clear_line(tmp_path: Path, body: str, reason: str) -> None:
    command = stand_in(tmp_path, body, answer_s=0.5 if "sleep" in body else 20.0)
    with ExternalScorer(command) as scorer, pytest.raises(InputError, match=reason) as error:
        scorer.ask("x")
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"the scorer stand-in ({sys.executable})")
    assert "docs/evaluation.md" in line
    assert starts(command) == 2


def test_one_that_never_says_hello_is_given_up(tmp_path: Path) -> None:
    command = stand_in(tmp_path, "time.sleep(60)\n", start_s=0.4)
    with ExternalScorer(command) as scorer, pytest.raises(InputError, match=r"no answer within 0\.4 s"):
        _ = scorer.hello


def test_a_reason_that_it_gives_is_passed_on_and_not_asked_for_again(tmp_path: Path) -> None:
    body = answering("say({'id': {id}, 'error': 'no such window\\nmore'})")
    command = stand_in(tmp_path, body)
    with ExternalScorer(command) as scorer:
        with pytest.raises(InputError, match=r"^the scorer stand-in: no such window$"):
            scorer.ask("x")
        assert starts(command) == 1


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    command = replace(stand_in(tmp_path, SUMS), python=str(tmp_path / "none" / "python"))
    with pytest.raises(InputError, match=r"cannot be started with .*none/python \(No such file"):
        ExternalScorer(command).ask("x")


def test_another_model_after_a_restart_is_not_mixed_with_the_first(tmp_path: Path) -> None:
    body = answering("os._exit(1)").replace(
        "hello()", "say({'hello': {'name': 's', 'version': '1', 'fingerprint': str(starts)}})"
    )
    with ExternalScorer(stand_in(tmp_path, body)) as scorer, pytest.raises(InputError, match="changed while"):
        scorer.ask("x")


def test_it_travels_without_its_process(tmp_path: Path) -> None:
    with ExternalScorer(stand_in(tmp_path, SUMS)) as scorer:
        scorer.ask("length", texts=["a"])
        with pickle.loads(pickle.dumps(scorer)) as copy:
            np.testing.assert_array_equal(copy.ask("length", texts=["abc"]), [[3]])
        assert starts(scorer.command) == 2


def test_ending_it_ends_the_process_and_it_starts_again_when_asked(tmp_path: Path) -> None:
    body = "(here / 'pid').write_text(str(os.getpid()))\n" + SUMS + "(here / 'ended').touch()\n"
    scorer = ExternalScorer(stand_in(tmp_path, body))
    scorer.ask("length", texts=["a"])
    scorer.close()
    assert (tmp_path / "ended").exists()
    np.testing.assert_array_equal(scorer.ask("length", texts=["ab"]), [[2]])
    scorer.close()


def test_our_packages_do_not_leak_into_the_other_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    body = answering("say({'id': {id}, 'values': ['PYTHONPATH' in os.environ]})")
    with ExternalScorer(stand_in(tmp_path, body)) as scorer:
        np.testing.assert_array_equal(scorer.ask("x"), [0])


@pytest.mark.parametrize("name", ["laion_clap_scorer.py", "cocola_scorer.py", "answering.py"])
def test_the_scripts_come_with_us_and_import_nothing_of_ours(name: str) -> None:
    assert "import stemwright" not in scorer_script(name).read_text(encoding="utf-8")
    assert "from stemwright" not in scorer_script(name).read_text(encoding="utf-8")
