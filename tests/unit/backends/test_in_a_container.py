"""What the container copies of `backends/` is all that the FAISS backend needs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
HOME = "/opt/tritonserver/backends"


def test_the_copied_files_run_by_themselves_as_triton_runs_them(tmp_path: Path) -> None:
    dockerfile = (ROOT / "k8s" / "docker" / "triton.Dockerfile").read_text()
    copied = re.findall(rf"^COPY (backends/\S+) {HOME}", dockerfile, re.MULTILINE)
    assert "backends/faiss" in copied
    (tmp_path / "backends").mkdir()
    for name in copied:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    (tmp_path / "triton_python_backend_utils.py").write_text("")
    # As the stub does: the backend's own folder at the end of the path, and nothing of ours from elsewhere.
    program = (
        "import sys; sys.path = [p for p in sys.path if 'visionseek' not in p];"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)];"
        f"sys.path += [{str(tmp_path / 'backends' / 'faiss')!r}, {str(tmp_path)!r}];"
        "import model; print(model.Shard.__module__, model.incoming.__code__.co_filename)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["backends.faiss.shard", str(tmp_path / "backends" / "tensors.py")]
