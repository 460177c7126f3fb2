"""The containers run what the local stack runs, with settings that exist."""

import re
from pathlib import Path

import pytest

from k8s.manifests import FOLDER, Document, Workload, parse, workloads
from stack.api_process import API_COMMAND
from stack.triton import triton_command
from stack.triton_wheel import TritonFiles
from visionseek.cli import COMMANDS
from visionseek.settings import PREFIX, Settings

ROOT = FOLDER.parent
# What a cluster needs beyond the local stack, which loads models by call after the start.
ONLY_IN_A_CLUSTER = {
    "--load-model",
    "--exit-on-error",
    "--grpc-max-connection-age",
    "--grpc-max-connection-age-grace",
}


def workload(documents: list[Document], name: str) -> Workload:
    return next(found for found in workloads(documents) if found.name == name)


def option(argument: str) -> str:
    return argument.partition("=")[0]


@pytest.mark.parametrize("name", ["Deployment/visionseek-encoder", "StatefulSet/visionseek-search"])
def test_triton_runs_with_the_flags_of_the_local_stack(base: list[Document], name: str) -> None:
    home = Path("/opt/tritonserver")
    local = triton_command(
        TritonFiles(Path("tritonserver"), home / "backends" / "python", home / "caches", (), ()),
        repository=Path("/data/model_repository"),
        backends=home / "backends",
        host="0.0.0.0",
        grpc=8001,
        http=8000,
        metrics=8002,
    )
    (container,) = workload(base, name).containers
    shared = [a for a in container["args"] if option(a) not in ONLY_IN_A_CLUSTER]
    assert [*container["command"], *shared] == local


def test_shards_and_encoder_are_told_apart(base: list[Document]) -> None:
    loads = {
        name: [
            a.partition("=")[2]
            for a in workload(base, name).containers[0]["args"]
            if option(a) == "--load-model"
        ]
        for name in ("Deployment/visionseek-encoder", "StatefulSet/visionseek-search")
    }
    assert loads["Deployment/visionseek-encoder"] == ["vision_encoder"]
    shards = loads["StatefulSet/visionseek-search"]
    (index,) = workload(base, "CronJob/visionseek-index").containers
    assert f"--shards={len(shards)}" in index["args"]
    assert shards == [f"catalog_shard_{number:02d}" for number in range(len(shards))]


def test_the_api_runs_the_command_of_the_local_stack(base: list[Document]) -> None:
    (container,) = workload(base, "Deployment/visionseek-api").containers
    assert container["command"] == ["visionseek"]
    assert container["args"] == list(API_COMMAND[API_COMMAND.index("visionseek") + 1 :])


def test_the_index_job_runs_a_command_that_exists(base: list[Document]) -> None:
    (container,) = workload(base, "CronJob/visionseek-index").containers
    assert container["command"] == ["visionseek"]
    assert container["args"][0] in COMMANDS


def test_every_variable_is_a_setting() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    texts = [path.read_text() for path in FOLDER.rglob("*.yaml")]
    named = {
        name
        for text in texts
        for name in re.findall(r"^\s*(?:- name: )?(VISIONSEEK_\w+)", text, re.MULTILINE)
    }
    assert "VISIONSEEK_DATABASE_URL" in named
    assert named <= known


def test_the_settings_of_the_cluster_are_valid(base: list[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    from visionseek.settings import load_settings

    (values,) = (d["data"] for d in base if d["kind"] == "ConfigMap")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    (container,) = workload(base, "Deployment/visionseek-api").containers
    assert settings.api_port == container["ports"][0]["containerPort"]
    assert settings.data == Path("/data")


def test_the_encoder_of_the_autoscaler_is_the_one_that_is_loaded() -> None:
    (scaled,) = parse((FOLDER / "components/autoscale-encoder/scaledobject.yaml").read_text())
    assert 'model="vision_encoder"' in scaled["spec"]["triggers"][0]["metadata"]["query"]
    assert scaled["spec"]["triggers"][0]["metricType"] == "AverageValue"


@pytest.mark.parametrize("image", ["api", "triton"])
def test_an_image_copies_only_what_exists_and_is_let_through(image: str) -> None:
    dockerfile = (FOLDER / "docker" / f"{image}.Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sources = [
        source
        for words in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for source in words.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source.split("/")[0]).exists(), source
        assert f"!{source.split('/')[0]}" in ignored, source


def test_images_run_as_the_user_of_the_manifests_and_of_pinned_bases(base: list[Document]) -> None:
    users = {w.pod["securityContext"]["runAsUser"] for w in workloads(base)}
    for dockerfile in (FOLDER / "docker").glob("*.Dockerfile"):
        text = dockerfile.read_text()
        assert re.findall(r"^USER (\d+)", text, re.MULTILINE) == [str(user) for user in users]
        for tag in re.findall(r"^FROM \S+?:(\S+)", text, re.MULTILINE):
            assert re.match(r"\d+\.\d+", tag), tag


def test_every_component_and_overlay_is_explained() -> None:
    readme = (FOLDER / "README.md").read_text()
    for component in (FOLDER / "components").iterdir():
        assert (component / "README.md").is_file(), component
        assert f"components/{component.name}" in readme
    for overlay in (FOLDER / "overlays").iterdir():
        assert f"overlays/{overlay.name}" in readme
