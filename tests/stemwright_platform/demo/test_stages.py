from pathlib import Path

import pytest

from stemwright_platform.demo.stages import FILE, Stage, run_stages, time_needed_s


class Work:
    """Stages that leave a file each, and a note of which ran."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ran, self.failing = folder, [], ""
        self.settings = {"first": 1, "second": 1, "third": 1}

    def stages(self) -> list[Stage]:
        return [
            self.stage("first"),
            self.stage("second"),
            self.stage("ready", lasting=False),
            self.stage("third"),
        ]

    def stage(self, name: str, lasting: bool = True) -> Stage:
        return Stage(
            name=name,
            does=f"do {name}",
            estimate_s=10,
            settings={"value": self.settings.get(name)},
            result=self.folder / name if lasting else None,
            run=lambda: self.run(name),
        )

    def run(self, name: str) -> str:
        if name == self.failing:
            raise KeyboardInterrupt
        self.ran.append(name)
        (self.folder / name).write_text(name)
        return f"did {name}"

    def go(self) -> list[str]:
        self.ran.clear()
        run_stages(self.stages(), self.folder, say=lambda line: None)
        return list(self.ran)


@pytest.fixture
def work(tmp_path) -> Work:
    return Work(tmp_path)


def test_finished_stages_are_kept_and_nothing_is_prepared_for_them(work):
    assert work.go() == ["first", "second", "ready", "third"]
    assert work.go() == []


def test_an_interrupted_stage_and_those_after_it_run_again(work):
    work.failing = "third"
    with pytest.raises(KeyboardInterrupt):
        work.go()
    work.failing = ""
    assert work.go() == ["ready", "third"]


def test_other_settings_redo_their_stage_and_all_after_it(work):
    work.go()
    work.settings["second"] = 2
    assert work.go() == ["second", "ready", "third"]
    work.settings["third"] = 2
    assert work.go() == ["ready", "third"]


def test_a_result_that_was_deleted_is_made_again_with_all_after_it(work):
    work.go()
    (work.folder / "second").unlink()
    assert work.go() == ["second", "ready", "third"]


@pytest.mark.parametrize("content", ["", "[", "{}", '[{"name": 1}]', "[3]"])
def test_damaged_notes_mean_that_everything_is_done_again(work, content):
    work.go()
    (work.folder / FILE).write_text(content)
    assert work.go() == ["first", "second", "ready", "third"]


def test_the_time_of_a_kept_stage_is_that_of_when_it_ran(work):
    ticks = iter(range(0, 1000, 7))
    first = run_stages(work.stages(), work.folder, say=lambda line: None, clock=lambda: next(ticks))
    again = run_stages(work.stages(), work.folder, say=lambda line: None)
    assert [stage.seconds for stage in again] == [stage.seconds for stage in first] == [7] * 4
    assert all(stage.kept for stage in again)


def test_the_time_left_counts_what_is_not_done(work):
    lines: list[str] = []
    assert time_needed_s(work.stages(), work.folder) == 40
    run_stages(work.stages(), work.folder, say=lines.append)
    told = [line for line in lines if "left in total" in line]
    assert [line.split("; ")[1] for line in told] == [f"{s} s left in total" for s in (40, 30, 20, 10)]
    work.settings["third"] = 2
    assert time_needed_s(work.stages(), work.folder) == 20
