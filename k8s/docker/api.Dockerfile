# The API, and the `visionseek` command of the indexing jobs. From the repository's root:
#   docker build -f k8s/docker/api.Dockerfile -t visionseek-api:0.1.0 .
FROM python:3.13.5-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /opt/visionseek
ENV PATH=/opt/visionseek/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY pyproject.toml README.md LICENSE ./
# Serving only: no torch, no local stack, no engines. Those live in the Triton image or run elsewhere.
COPY visionseek visionseek
COPY catalog catalog
COPY search search
COPY api api
# In place, as everywhere else in the project: the search page and the migrations lie beside their code.
# FAISS is what the index job builds shards with; answering queries does not load it.
# A folder has no version to pin.
# hadolint ignore=DL3013
RUN pip install --editable '.[postgres]' faiss-cpu==1.15.1

FROM python:3.13.5-slim-bookworm
RUN useradd --uid 1000 --user-group --no-create-home --shell /usr/sbin/nologin visionseek
COPY --from=build /opt/visionseek /opt/visionseek
COPY --from=build /app /app
# The root file system is read-only in the cluster, so no bytecode is written; home is where that is no matter.
ENV PATH=/opt/visionseek/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
USER 1000:1000
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["visionseek"]
CMD ["serve"]
