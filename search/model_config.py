"""`config.pbtxt` of a shard's model; Triton serves exactly the generations that it names."""

from __future__ import annotations

from collections.abc import Mapping

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
