import re
from pathlib import Path

import pytest

from stemwright_platform.evaluation.listening_test.rater_page import (
    PagePair,
    RaterPage,
    render,
    settle,
    write_page,
)


def page(post_to: str = "", prompt: str = "slow blues") -> RaterPage:
    return RaterPage(
        test="0123",
        title="A <test>",
        questions=("Which is <better>?",),
        ties=False,
        least_heard_s=2.0,
        post_to=post_to,
        minutes=3,
        pairs=[PagePair(id="ab", prompt=prompt, part="mix")],
    )


def policy_of(html: str) -> str:
    found = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert found
    return found.group(1).replace("&#39;", "'")


def test_the_page_talks_to_nobody_but_where_answers_go() -> None:
    assert "connect-src 'none'" in policy_of(render(page(), {}))
    policy = policy_of(render(page("https://lab.example/answers?x=1"), {}))
    assert "connect-src https://lab.example;" in policy
    assert policy.startswith("default-src 'none'")
    assert not re.findall(r'(?:src|href)="(?!data:|")[^"]+', render(page(), {}))


def test_words_of_the_test_are_shown_as_words() -> None:
    html = render(page(prompt="</script><b>"), {"abx": "QUJD"})
    assert "A &lt;test&gt;" in html
    assert "Which is &lt;better&gt;?" in html
    assert "</script><b>" not in html


def test_without_ties_there_is_no_such_answer() -> None:
    html = render(page(), {})
    assert re.findall(r'<button type="button" class="vote" data-vote="(\w+)"', html) == ["a", "b"]


@pytest.mark.parametrize("beside", [False, True])
def test_a_page_appears_whole_where_it_is_wanted_and_nothing_else_does(beside: bool, tmp_path: Path) -> None:
    target = tmp_path / ("test" if beside else "test.html")
    folder, num_bytes = write_page(page(), {"abx": b"first", "aby": b"the second"}, target, beside=beside)
    assert not target.exists()
    written = settle(folder, target, beside=beside)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert num_bytes == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert written.read_text().startswith("<!doctype html>")
