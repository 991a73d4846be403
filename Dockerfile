# Parley's image: every process of docker-compose.kafka.yml runs from it.
# The first stage installs what the lock file names, checked by hash; the second holds no build tools and no root.

FROM python:3.11.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/parley

WORKDIR /src
COPY requirements.lock ./
RUN /opt/parley/bin/python -m pip install --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY infra infra
COPY models models
COPY replies replies
COPY connectors connectors
COPY streams streams
COPY sinks sinks
COPY console console
RUN /opt/parley/bin/python -m pip install --no-deps --no-build-isolation .


FROM python:3.11.14-slim-bookworm

RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/parley parley
COPY --from=build /opt/parley /opt/parley

ENV PATH=/opt/parley/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PARLEY_STATE_DIR=/var/lib/parley/state \
    PARLEY_CACHE_DIR=/var/lib/parley/cache \
    PARLEY_HTTP_HOST=0.0.0.0

USER parley
WORKDIR /var/lib/parley
# 8080: webhooks (parley serve); 9400: /metrics and /health of a worker
EXPOSE 8080 9400
CMD ["parley", "--help"]
