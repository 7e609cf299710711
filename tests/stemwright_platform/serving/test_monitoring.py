"""What is seen from outside: figures for Prometheus, lines of the log, and the dashboard that draws them."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import ray
import yaml

from stemwright_platform.serving.dispatcher import COUNT_S

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"
OURS = re.compile(r"\b(?:ray_)?(?:stemwright|serve)_\w+")

pytestmark = pytest.mark.ray


def _exported() -> str:
    """What Prometheus would read of every node."""
    nodes = [
        f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics" for node in ray.nodes()
    ]
    return "".join(httpx.get(node, timeout=30).text for node in nodes)


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def done(api: httpx.Client) -> dict:
    """A generation that has ended, asked for under a request id."""
    made = api.post("/compositions", json={"prompt": "slow blues", "duration_s": 2.0})
    url = f"/compositions/{made.json()['id']}/generations"
    asked = api.post(url, json={"targets": ["bass"], "steps": 3}, headers={"x-request-id": "call-17"})
    assert asked.status_code == 202, asked.text
    url = f"/generations/{asked.json()['id']}"
    _wait_for(lambda: api.get(url).json()["state"] == "done")
    return api.get(url).json()


def test_each_stage_of_a_generation_and_each_forward_is_exported(done: dict) -> None:
    stages = ("waiting", "embedding", "encoding", "denoising", "decoding", "keeping")
    wanted = [rf'stemwright_stage_seconds_count{{[^}}]*stage="{stage}"[^}}]*}} [1-9]' for stage in stages]
    wanted += [
        r'stemwright_generation_seconds_count\{[^}]*state="done"[^}]*\} [1-9]',
        r'stemwright_forward_seconds_count\{[^}]*deployment="denoiser"[^}]*\} [1-9]',
        r"stemwright_rows_total\{[^}]*\} [1-9]",
        r"stemwright_rows_at_most\{[^}]*\} 8",
    ]
    _wait_for(lambda: all(re.search(each, _exported()) for each in wanted))


def test_every_figure_of_the_dashboard_is_exported_or_is_of_a_kind_that_comes_with_trouble(
    api: httpx.Client, done: dict
) -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    drawn = {name for query in queries for name in OURS.findall(query)}
    assert len(drawn) >= 8
    with_trouble = {"ray_stemwright_workers_lost_total", "ray_serve_num_http_error_requests_total"}
    api.get("/healthz").raise_for_status()
    _wait_for(lambda: all(name in _exported() + api.get("/metrics").text for name in drawn - with_trouble))


def test_prometheus_reads_the_nodes_and_the_api() -> None:
    jobs = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == {"ray", "stemwright"}


def _lines() -> list[dict]:
    """Of the dispatcher's log; other tests of this session have had dispatchers too."""
    folder = Path(ray.worker.global_worker.node.get_session_dir_path()) / "logs" / "serve"
    newest = max(folder.glob("replica_stemwright_dispatcher_*.log"), key=lambda path: path.stat().st_mtime)
    return [json.loads(line) for line in newest.read_text().splitlines()]


def test_the_log_says_as_json_what_became_of_whose_call(done: dict) -> None:
    assert done["request_id"] == "call-17"

    def said() -> list[dict]:
        return [line for line in _lines() if line.get("generation") == done["id"]]

    _wait_for(lambda: bool(said()))
    (line,) = said()
    assert (line["message"], line["request_id"]) == ("a generation is done", "call-17")
    assert line["deployment"] == "stemwright_dispatcher"
    assert line["seconds"] > 0


def test_a_server_at_peace_logs_no_fault(done: dict) -> None:
    time.sleep(2 * COUNT_S)  # what the dispatcher does every so often, it has done
    assert [line for line in _lines() if line["levelname"] in ("WARNING", "ERROR")] == []
