# Stand in for the official images of Prometheus and its exporters: the same programs out of Debian,
# with the paths, users and entry points that the official images have, and busybox's wget.
FROM summit-base/debian:trixie AS packages
# What Debian has now; the stand-in's own digest says which versions those were.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update --quiet \
    && apt-get install --yes --quiet --no-install-recommends \
        busybox \
        prometheus \
        prometheus-alertmanager \
        prometheus-blackbox-exporter \
        prometheus-postgres-exporter \
    && install --directory --owner=65534 --group=65534 /data

FROM summit-base/debian:trixie AS prometheus
COPY --from=packages /usr/bin/prometheus /usr/bin/promtool /bin/
COPY --from=packages /etc/prometheus/prometheus.yml /etc/prometheus/
COPY --from=packages --chown=65534:65534 /data /prometheus
USER 65534:65534
WORKDIR /prometheus
VOLUME ["/prometheus"]
EXPOSE 9090
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]

FROM summit-base/debian:trixie AS alertmanager
COPY --from=packages /usr/bin/prometheus-alertmanager /bin/alertmanager
COPY --from=packages /usr/bin/amtool /bin/
COPY --from=packages /etc/prometheus/alertmanager.yml /etc/alertmanager/
COPY --from=packages /usr/share/prometheus/alertmanager /usr/share/prometheus/alertmanager
COPY --from=packages --chown=65534:65534 /data /alertmanager
USER 65534:65534
WORKDIR /alertmanager
VOLUME ["/alertmanager"]
EXPOSE 9093
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]

FROM summit-base/debian:trixie AS blackbox-exporter
COPY --from=packages /usr/bin/prometheus-blackbox-exporter /bin/blackbox_exporter
COPY --from=packages /usr/bin/busybox /bin/wget
COPY --from=packages /etc/prometheus/blackbox.yml /etc/blackbox_exporter/config.yml
USER 65534:65534
EXPOSE 9115
ENTRYPOINT ["/bin/blackbox_exporter"]
CMD ["--config.file=/etc/blackbox_exporter/config.yml"]

FROM summit-base/debian:trixie AS postgres-exporter
COPY --from=packages /usr/bin/prometheus-postgres-exporter /bin/postgres_exporter
COPY --from=packages /usr/bin/busybox /bin/wget
USER 65534:65534
EXPOSE 9187
ENTRYPOINT ["/bin/postgres_exporter"]
