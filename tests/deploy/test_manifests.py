"""What deploy/ promises: manifests that KubeRay takes, an image of what is here, commands that exist."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from ray.serve.schema import ServeDeploySchema
from typer.main import get_command

from stemwright_platform.cli import application
from stemwright_platform.serving.app import build
from stemwright_platform.serving.settings import ServingSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KINDS = {"raycluster.yaml": "RayCluster", "rayjob-train.yaml": "RayJob", "rayservice.yaml": "RayService"}
CRDS = "STEMWRIGHT_KUBERAY_CRDS"
"""Names the folder with KubeRay's CustomResourceDefinitions, ray.io_rayclusters.yaml and its like."""


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / name).read_text())


def cluster_of(name: str) -> dict[str, Any]:
    """The RayCluster that a manifest holds or is."""
    spec = manifest(name)["spec"]
    return spec.get("rayClusterSpec") or spec.get("rayClusterConfig") or spec


def pods(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each group with its pod."""
    cluster = cluster_of(name)
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        yield group, group["template"]["spec"]


def strict(schema: Any) -> Any:
    """The schema with fields that it does not name refused: the API server drops them with a warning only."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items()}
    is_open = "additionalProperties" in made or made.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(made.get("properties"), dict) and made.get("type") == "object" and not is_open:
        made["additionalProperties"] = False
    return made


def crd_schema(kind: str) -> dict[str, Any]:
    """The served v1 schema of a kind; skips where the CRDs are not at hand."""
    folder = os.environ.get(CRDS)
    if not folder:
        pytest.skip(f"{CRDS} names no folder with KubeRay's CRDs")
    crd = yaml.safe_load((Path(folder) / f"ray.io_{kind.lower()}s.yaml").read_text())
    (version,) = [version for version in crd["spec"]["versions"] if version["name"] == "v1"]
    return strict(version["schema"]["openAPIV3Schema"])


@pytest.mark.parametrize("name", KINDS)
def test_kuberay_takes_the_manifest(name: str) -> None:
    schema = crd_schema(KINDS[name])
    schema["properties"]["metadata"] = {"type": "object"}
    faults = Draft202012Validator(schema).iter_errors(manifest(name))
    assert [f"{fault.json_path}: {fault.message[:200]}" for fault in faults] == []


def test_the_check_sees_a_misspelt_field_and_a_wrong_type() -> None:
    broken = manifest("raycluster.yaml")
    broken["spec"]["workerGroupSpec"] = broken["spec"].pop("workerGroupSpecs")
    broken["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["image"] = 3
    faults = list(Draft202012Validator(crd_schema("RayCluster")).iter_errors(broken))
    assert {fault.json_path for fault in faults} >= {
        "$.spec",
        "$.spec.headGroupSpec.template.spec.containers[0].image",
    }


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_every_pod_is_of_the_one_image_sees_the_shared_volume_and_is_not_root(name: str, kind: str) -> None:
    (claim,) = yaml.safe_load_all((DEPLOY / "storage.yaml").read_text())
    assert (manifest(name)["apiVersion"], manifest(name)["kind"]) == ("ray.io/v1", kind)
    tag = re.search(r"-t (\S+)", (DEPLOY / "Containerfile").read_text())
    assert tag
    for _, pod in pods(name):
        (container,) = pod["containers"]
        assert container["image"] == tag[1]
        assert pod["securityContext"]["runAsNonRoot"]
        mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounted == {"shared": "/shared"}
        (volume,) = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]


@pytest.mark.parametrize("name", KINDS)
def test_the_cluster_is_of_the_ray_that_is_tested(name: str) -> None:
    pinned = re.search(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned
    assert cluster_of(name)["rayVersion"] == pinned[1]


def test_the_job_calls_a_command_that_exists_and_has_the_gpus_that_it_asks_for() -> None:
    words = shlex.split(manifest("rayjob-train.yaml")["spec"]["entrypoint"])
    assert words[0] == "stemwright"
    group: Any = get_command(application())
    command = group.commands[words[1]]
    given = command.make_context("train", words[2:], resilient_parsing=True).params
    wanted = {word for word in words if word.startswith("--")}
    assert wanted <= {name for parameter in command.params for name in parameter.opts}
    assert given["preset"] == "paper"
    assert str(given["out"]).startswith("/shared/")
    gpus = given["workers"] + given["teachers"] * given["teacher_gpus"]
    there = sum(
        group["minReplicas"] * int(pod["containers"][0]["resources"]["limits"].get("nvidia.com/gpu", 0))
        for group, pod in pods("rayjob-train.yaml")
        if "minReplicas" in group
    )
    assert there == gpus


def test_the_service_has_an_application_that_serve_takes_and_state_for_several_nodes() -> None:
    parsed = ServeDeploySchema.model_validate(
        yaml.safe_load(manifest("rayservice.yaml")["spec"]["serveConfigV2"])
    )
    (served,) = parsed.applications
    settings = ServingSettings.model_validate(served.args)
    assert build(settings) is not None
    assert settings.database_url.startswith("postgresql")
    assert "://" in settings.blob_url
    (alone,) = ServeDeploySchema.model_validate(
        yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    ).applications
    assert served.import_path == alone.import_path
    assert {each.name for each in served.deployments} == {each.name for each in alone.deployments}


def test_the_image_is_made_of_files_that_are_here() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    sources = [word for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert {"model", "platform", "jobs", "pyproject.toml", "constraints.txt"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert all(
        "-c constraints.txt" in line for line in text.splitlines() if re.search(r"install .*torch", line)
    )
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)


def test_submitted_jobs_carry_both_packages() -> None:
    environment = manifest("runtime-env.yaml")
    modules = [ROOT / module for module in environment["py_modules"]]
    assert {path.name for path in modules} == {"stemwright", "stemwright_platform"}
    assert all((path / "__init__.py").is_file() for path in modules)
    assert not {"jobs", "deploy"} & set(environment["excludes"])
