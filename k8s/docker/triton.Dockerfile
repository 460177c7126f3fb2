# Triton for both roles: NVIDIA's server with its C++ ONNX Runtime backend, and our FAISS backend beside it.
# Runs without a GPU too. From the repository's root:
#   docker build -f k8s/docker/triton.Dockerfile -t visionseek-triton:0.1.0 .
# FAISS on GPUs: --build-arg FAISS=faiss-gpu==1.15.1
# 24.12 is Triton 2.53; its Python is 3.12. The local stack runs 2.51, the newest that PyPI carries.
FROM nvcr.io/nvidia/tritonserver:24.12-py3
ARG FAISS=faiss-cpu==1.15.1
# The Python backend's stub uses the system's Python, so the engine goes there. numpy 2 and the stub agree
# through DLPack, which is what our backend uses.
# The variable carries its version.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir --break-system-packages "$FAISS" numpy==2.2.6
# Not backends/onnxruntime: that is the stand-in for the C++ backend, which this image has.
COPY backends/faiss /opt/tritonserver/backends/faiss
COPY backends/tensors.py /opt/tritonserver/backends/
ENV PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
USER 1000:1000
WORKDIR /tmp
EXPOSE 8000 8001 8002
ENTRYPOINT ["tritonserver"]
CMD ["--help"]
