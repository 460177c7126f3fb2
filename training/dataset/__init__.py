"""The data set builder: a catalog in, sharded samples with splits, labels, boxes and a manifest out."""

from training.dataset.manifest import DatasetManifest
from training.dataset.reading import Sample, read_samples, verify

__all__ = ["DatasetManifest", "Sample", "read_samples", "verify"]
