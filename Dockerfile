# The image of the steps on Kubeflow Pipelines: `make image IMAGE=registry.example.com/atalaya:1`.
# Kubeflow gives each container its command (python -m pipeline.kubeflow.step ...); the settings come with it.
# With CUDA's libraries, for GPUs: `make image GPU=1`, which is --build-arg CUDA_LOCK=requirements-cuda.txt.
# The older stack, as `make image` has it where .venv is of that stack: --build-arg BASE=python:3.10-slim-bookworm --build-arg LOCK=requirements-py310.txt

ARG BASE=python:3.13-slim-trixie
FROM $BASE AS builder
# One of the locked packages comes as C++ source.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/atalaya
ENV PATH=/opt/atalaya/bin:$PATH
WORKDIR /build
ARG LOCK=requirements.txt
ARG CUDA_LOCK
COPY $LOCK $CUDA_LOCK ./
# The lock is complete, so nothing is resolved; the tools of development go again.
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement $LOCK ${CUDA_LOCK:+--requirement $CUDA_LOCK} \
    && pip uninstall --yes import-linter mypy pre-commit pytest pytest-xdist ruff uv
COPY pyproject.toml README.md LICENSE runner.py ./
COPY schemas schemas
COPY recommender recommender
COPY components components
COPY pipeline pipeline
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

FROM $BASE
# Folders into which older releases of Kubeflow's launcher, which runs as the container's user, put artifacts.
RUN useradd --uid 1000 --create-home atalaya \
    && install --directory --owner atalaya /gcs /minio /s3
COPY --from=builder /opt/atalaya /opt/atalaya
ENV PATH=/opt/atalaya/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_USE_LEGACY_KERAS=1
USER 1000:1000
WORKDIR /home/atalaya
ENTRYPOINT ["python"]
CMD ["-m", "pipeline.kubeflow.step", "--help"]
