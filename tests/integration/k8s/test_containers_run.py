"""The containers' own commands and settings, run here: two Tritons, the index job, the API.

Only paths, addresses and ports differ from the manifests.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from k8s.manifests import FOLDER, Document, parse, workloads
from stack.local import say
from stack.ports import choose_port
from stack.repository import shipped_backends
from stack.triton import make_backend_directory, triton_environment
from stack.triton_wheel import TritonFiles, cache_folder, from_wheel
from tests.integration.api.conftest import visionseek, write_feed
from tests.integration.support.encoder import write_tiny_encoder
from tests.unit.api.conftest import draw, jpeg

ROLES = ("encoder", "search")


def manifest(file: str) -> Document:
    (document,) = parse((FOLDER / "base" / file).read_text())
    return document


class Cluster:
    """What the manifests say, with this machine's paths and ports."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.logs = root
        self.files: TritonFiles = from_wheel(cache_folder(), say)
        self.backends = make_backend_directory(root / "backends", self.files, shipped_backends())
        taken: list[int] = []
        self.ports: dict[str, dict[str, int]] = {}
        for role in (*ROLES, "api"):
            self.ports[role] = {}
            for port in ("8000", "8001", "8002") if role != "api" else ("8080",):
                taken.append(choose_port("127.0.0.1", 0, setting="port", taken=taken))
                self.ports[role][port] = taken[-1]

    def triton(self, role: str) -> list[str]:
        """The Triton container's command line."""
        file = {"encoder": "encoder/deployment.yaml", "search": "search/statefulset.yaml"}[role]
        (container,) = workloads([manifest(file)])[0].containers
        here = {
            "/data/": f"{self.data}/",
            "/opt/tritonserver/backends": str(self.backends),
            "/opt/tritonserver/caches": str(self.files.caches),
            "=0.0.0.0": "=127.0.0.1",
            **{f"port={theirs}": f"port={ours}" for theirs, ours in self.ports[role].items()},
        }
        lines = "\n".join(container["args"])
        for theirs, ours in here.items():
            lines = lines.replace(theirs, ours)
        assert container["command"] == ["tritonserver"]
        return [str(self.files.server), *lines.splitlines()]

    def program(self, file: str) -> list[str]:
        """The command line of a container of the API's image."""
        (container,) = workloads([manifest(file)])[0].containers
        assert container["command"] == ["visionseek"]
        return [sys.executable, "-m", "visionseek", *container["args"]]

    def settings(self) -> dict[str, str]:
        """The settings' ConfigMap."""
        values: dict[str, str] = dict(manifest("settings.yaml")["data"])
        assert set(values) == {
            "VISIONSEEK_DATA",
            "VISIONSEEK_API_HOST",
            "VISIONSEEK_API_PORT",
            "VISIONSEEK_TRITON_HOST",
            "VISIONSEEK_TRITON_GRPC_PORT",
            "VISIONSEEK_TRITON_SHARDS_HOST",
            "VISIONSEEK_TRITON_SHARDS_GRPC_PORT",
        }
        return values | {
            "VISIONSEEK_DATA": str(self.data),
            "VISIONSEEK_API_HOST": "127.0.0.1",
            "VISIONSEEK_API_PORT": str(self.ports["api"]["8080"]),
            "VISIONSEEK_TRITON_HOST": "dns:///127.0.0.1",
            "VISIONSEEK_TRITON_GRPC_PORT": str(self.ports["encoder"]["8001"]),
            "VISIONSEEK_TRITON_SHARDS_HOST": "dns:///127.0.0.1",
            "VISIONSEEK_TRITON_SHARDS_GRPC_PORT": str(self.ports["search"]["8001"]),
        }

    @contextmanager
    def running(
        self, name: str, command: list[str], environment: dict[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process for the length of the block; SIGTERM must end it within the pod's grace."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    pytest.fail(f"{name} did not end within 30 s of SIGTERM")

    def wait(self, url: str, name: str, *, seconds: float = 60) -> None:
        """Until the probe's address answers 200."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        pytest.fail(f"{name}: {(self.logs / f'{name}.log').read_text(errors='replace')[-3000:]}")


def test_the_containers_commands_serve_a_query(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    write_tiny_encoder(cluster.data / "model_repository")
    visionseek(cluster.data, "catalog", "import", str(write_feed(tmp_path / "feed")))
    api = f"http://127.0.0.1:{cluster.ports['api']['8080']}"
    program = {**os.environ, **cluster.settings()}

    def start(role: str) -> None:
        entered = cluster.running(role, cluster.triton(role), triton_environment(cluster.files))
        tritons[role] = every.enter_context(entered)
        cluster.wait(f"http://127.0.0.1:{cluster.ports[role]['8000']}/v2/health/ready", role)

    def search() -> httpx.Response:
        return httpx.post(
            f"{api}/v1/search", files={"image": ("q.jpg", jpeg(draw(3)))}, timeout=20, trust_env=False
        )

    tritons: dict[str, subprocess.Popen[bytes]] = {}
    with ExitStack() as every:
        for role in ROLES:
            start(role)  # the search pod too, though there is no shard yet
        index = [sys.executable, "-m", "visionseek", *cluster.program("index/cronjob.yaml")[3:]]
        done = subprocess.run(index, env=program, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        every.enter_context(cluster.running("api", cluster.program("api/deployment.yaml"), program))
        cluster.wait(f"{api}/readyz", "api")
        answer = search().json()
        assert answer["hits"][0]["product_id"] == "R3"
        assert answer["coverage"] == {"shards": 2, "answered": 2}
        # A search pod that was killed has its shards from the start when it is back, by its own arguments.
        tritons["search"].kill()
        tritons["search"].wait()
        start("search")
        assert _soon(lambda: search().json().get("coverage") == {"shards": 2, "answered": 2})


def _soon(holds: Callable[[], bool], *, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.2)
    return False
