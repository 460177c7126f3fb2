"""From a checkpoint to a served model: merge, ONNX, parity gate, publishing."""
