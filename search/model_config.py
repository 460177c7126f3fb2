"""`config.pbtxt`: that of a shard's model is written here, those of others are read and adapted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2

from visionseek.errors import ManifestError

# `query` is -1 wide because two generations side by side may belong to encoders of two dimensions; the
# backend holds each query against its own index. The versions are named, not "the latest two": after a
# rollback the serving generation is not the latest, and must survive a restart and the next publish.
_TEMPLATE = """\
# Written by `visionseek index publish` and `rollback`.
name: "{model}"
backend: "faiss"
max_batch_size: 64
input [ {{ name: "query" data_type: TYPE_FP32 dims: [ -1 ] }} ]
output [
  {{ name: "scores" data_type: TYPE_FP32 dims: [ -1 ] }},
  {{ name: "image_ids" data_type: TYPE_INT64 dims: [ -1 ] }},
  {{ name: "extra" data_type: TYPE_UINT8 dims: [ -1 ] }}
]
dynamic_batching {{ }}
version_policy {{ specific {{ versions: [ {versions} ] }} }}
instance_group [ {{ kind: {kind} count: {count} }} ]
{parameters}"""

_PARAMETER = 'parameters {{ key: "fingerprint.{version}" value {{ string_value: "{fingerprint}" }} }}\n'


def shard_config(
    model: str, fingerprints: Mapping[int, str], *, kind: str = "KIND_CPU", count: int = 1
) -> str:
    """The text of `config.pbtxt`.

    Args:
        model: name of the model, which is the name of its folder.
        fingerprints: version -> fingerprint of the encoder it belongs to; these versions are served.
        kind: where Triton runs it, `KIND_CPU` or `KIND_GPU`.
        count: how many instances.
    """
    return _TEMPLATE.format(
        model=model,
        versions=", ".join(str(version) for version in sorted(fingerprints)),
        kind=kind,
        count=count,
        parameters="".join(
            _PARAMETER.format(version=version, fingerprint=fingerprints[version])
            for version in sorted(fingerprints)
        ),
    )


def with_versions(config: str, versions: Iterable[int]) -> str:
    """The same configuration, serving exactly these versions.

    Raises:
        ManifestError: not the text of a `config.pbtxt`.
    """
    message = _parse(config)
    message.version_policy.specific.versions[:] = sorted(set(versions))
    return str(text_format.MessageToString(message))


def as_json(config: str) -> str:
    """The text as the JSON that Triton's load call takes; raises as `with_versions`."""
    return str(json_format.MessageToJson(_parse(config), preserving_proto_field_name=True))


def versions_named(config: str, folder: Path) -> list[int]:
    """Which versions of a model's folder its version policy asks for; raises as `with_versions`."""
    policy = _parse(config).version_policy
    if policy.HasField("specific"):
        return list(policy.specific.versions)
    present = sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdigit())
    return present if policy.HasField("all") else present[-(policy.latest.num_versions or 1) :]


def parameters_of(config: str) -> dict[str, dict[str, str]]:
    """The `parameters` map, as Triton's configuration call gives it; raises as `with_versions`."""
    return {key: {"string_value": value.string_value} for key, value in _parse(config).parameters.items()}


def _parse(config: str) -> Any:
    message = model_config_pb2.ModelConfig()
    try:
        text_format.Parse(config, message)
    except text_format.ParseError as error:
        raise ManifestError(f"not the text of a config.pbtxt: {error}") from error
    return message
