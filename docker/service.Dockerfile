# The image of any Python service: `--build-arg SERVICE=fabric`, from the repository's root.
# It has no `# syntax` line, which would fetch an image of its own.

# pip stands beside the environment that it fills, so that it is not in it.
FROM python:3.13-slim-trixie@sha256:3dd7cc108ec1493442514f5c2a871af6af0ec31d768ff6e378a93340c3b3db5f AS build
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends binutils
# Not below /opt: that folder is in the base, and the layer would give it the time of the build.
# Bytecode keeps line numbers and leaves out columns, a fifth of its size.
ENV PYTHONNODEBUGRANGES=1
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /venv

FROM build AS environment
ARG SERVICE
COPY services/${SERVICE}/requirements.txt /opt/
# The two secrets are for networks that need a CA of their own or another index than PyPI.
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/run/pip.conf,required=false \
    --mount=type=secret,id=ca,target=/run/ca.pem,required=false \
    if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi \
    && PIP_CONFIG_FILE=/run/pip.conf /opt/pip/bin/python -m pip --python /venv/bin/python \
        install --require-hashes --only-binary=:all: --no-deps --no-compile \
        --disable-pip-version-check --no-input --report /opt/report.json \
        --requirement /opt/requirements.txt
RUN --mount=type=bind,source=docker/trim.py,target=/run/trim.py \
    ["python3", "/run/trim.py", "/venv"]

# For the list of what the image is made of; `--target report`.
FROM scratch AS report
COPY --from=environment /opt/report.json /

FROM build AS source
ARG SERVICE
# `smoke.py` is started from the gateway's image; in the others it is a file that nothing reads.
COPY services/__init__.py services/smoke.py /app/services/
COPY services/kit /app/services/kit
COPY services/${SERVICE} /app/services/${SERVICE}
RUN --mount=type=bind,source=docker/trim.py,target=/run/trim.py \
    ["python3", "/run/trim.py", "/app"]

FROM python:3.13-slim-trixie@sha256:3dd7cc108ec1493442514f5c2a871af6af0ec31d768ff6e378a93340c3b3db5f
ARG SERVICE
LABEL org.opencontainers.image.title="${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    SERVICE=${SERVICE}
COPY --from=environment /venv /venv
COPY --from=source /app /app
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --start-interval=0.25s --retries=2 \
    CMD ["python", "-m", "services.kit.probe", "/readyz", "2"]
CMD ["python", "-m", "services.kit.serve"]
