# Stands in for the official haproxy image: the same program out of Debian, with its user and paths.
FROM summit-base/debian:trixie
# What Debian has now; the stand-in's own digest says which version that was.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update --quiet \
    && apt-get install --yes --quiet --no-install-recommends haproxy \
    && usermod --uid 99 haproxy \
    && groupmod --gid 99 haproxy \
    && ln --symbolic /usr/sbin/haproxy /usr/local/sbin/haproxy \
    && install --directory --owner=99 --group=99 /var/lib/haproxy /usr/local/etc/haproxy
USER 99:99
WORKDIR /var/lib/haproxy
STOPSIGNAL SIGUSR1
CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
