"""`backend: "onnxruntime"`: stands in for Triton's C++ backend of that name where it is not installed."""
