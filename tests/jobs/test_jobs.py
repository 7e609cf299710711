"""The job files, submitted as a user submits them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from stemwright.checkpoint import load_checkpoint
from stemwright.latent_dataset import LatentDataset

ROOT = Path(__file__).parents[2]
AGENT_S = 90.0


def submit(job: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Submit a job to the session's cluster and wait for its end."""
    ray = str(Path(sys.executable).with_name("ray"))
    words = [ray, "job", "submit", "--runtime-env", "deploy/runtime-env.yaml", "--", sys.executable]
    deadline = time.monotonic() + AGENT_S
    while True:
        done = subprocess.run(
            [*words, f"jobs/{job}.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240
        )
        # a young cluster answers so until its agent is up
        if "No available agent" not in done.stderr or time.monotonic() > deadline:
            return done


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_jobs_lead_from_nothing_to_a_model_and_its_report(tmp_path: Path) -> None:
    corpus, latents, run, report = (tmp_path / name for name in ("corpus", "latents", "run", "report"))
    store = f"sqlite:///{tmp_path}/mlflow.db"
    steps = [
        ["build_corpus", "demo", "--songs", "2", "--duration", "8", "--out", str(corpus)],
        ["encode_latents", "--manifest", str(corpus / "manifest.parquet"), "--out", str(latents)],
        ["train_denoiser", "--preset", "tiny", "--data", str(latents), "--out", str(run), "--steps", "3"],
    ]
    evaluate = ["evaluate_model", "--model", str(run), "--data", str(latents), "--out", str(report)]
    steps.append(
        [*evaluate, "--clips", "2", "--duration", "3", "--tasks", "joint", "--steps", "2", "--jobs", "1"]
    )
    for step in steps[2:]:
        step += ["--tracking-uri", store]
    for job, *arguments in steps:
        done = submit(job, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(LatentDataset(latents).songs()) == 2
    assert load_checkpoint(run / "model").preset.name == "tiny"
    assert (report / "index.html").is_file()


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_a_jobs_bad_input_is_one_line_and_fails_the_job(tmp_path: Path) -> None:
    done = submit("train_denoiser", "--data", str(tmp_path / "nothing"), "--out", "x", "--steps", "1")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "is not a prepared data set" in said
    assert "Traceback" not in said
