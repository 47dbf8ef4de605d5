# Punctaj in a container: the program without the embedded Postgres, in a small Debian.
# How to run it: docs/operating.md. Build arguments allow bases of your own.
ARG BUILDER=docker.io/library/rust:1.95.0-slim-bookworm
ARG BASE=docker.io/library/debian:bookworm-20260824-slim

FROM ${BUILDER} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY tests/fake-discord tests/fake-discord
COPY .sqlx .sqlx
COPY config/locales config/locales
COPY migrations migrations
COPY src src
# The manifest names an example and a test, which are not built here.
RUN mkdir -p examples/playground tests/it \
    && touch examples/playground/main.rs examples/load.rs tests/it/main.rs
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --no-default-features --bin punctaj \
    && install -D target/release/punctaj /out/punctaj

FROM ${BASE}
# By number, so that a cluster can see that it is not root.
RUN groupadd --gid 10001 punctaj \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/punctaj \
        --shell /usr/sbin/nologin punctaj \
    && install -d -o punctaj -g punctaj -m 0700 /var/lib/punctaj
COPY --from=build /out/punctaj /usr/local/bin/punctaj
# Root certificates are compiled in, so the base needs none.
ENV PUNCTAJ_DATA_DIR=/var/lib/punctaj \
    PUNCTAJ_HTTP_ADDR=0.0.0.0:8080 \
    PUNCTAJ_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/punctaj
VOLUME /var/lib/punctaj
EXPOSE 8080
STOPSIGNAL SIGTERM
# bash speaks TCP by itself: nothing has to be installed for this. It asks whether the process
# lives, not whether Discord and the database do: restarting the bot would mend neither.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>\"/dev/tcp/127.0.0.1/${PUNCTAJ_HTTP_ADDR##*:}\" && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 4 status <&3 && [[ $status == *' 200 '* ]]"]
ENTRYPOINT ["/usr/local/bin/punctaj"]
CMD ["run"]
