# Stands in for the official python image on a host that reaches no registry.
FROM summit-base/debian:trixie
# What Debian has now; the stand-in's own digest says which versions those were.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update --quiet \
    && apt-get install --yes --quiet --no-install-recommends python3 python3-venv \
    && ln --symbolic python3 /usr/bin/python
CMD ["python3"]
