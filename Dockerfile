# One image with every service in it; a pod says which one it runs.
#
#   docker build -t sartiq .
#   docker run sartiq /usr/local/bin/catalog --help

# The web app, which the gateway serves.
FROM node:22-bookworm-slim AS web
WORKDIR /src
COPY buf.yaml ./
COPY proto proto
COPY vendor/prost-protovalidate-types/proto vendor/prost-protovalidate-types/proto
COPY web web
WORKDIR /src/web
RUN --mount=type=cache,target=/tmp/npm npm ci --cache /tmp/npm --no-audit --no-fund && npm run build

# The binaries. Queries were checked when they were written (`.sqlx`), so no database is needed.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --workspace --bins \
    && mkdir -p /out/bin \
    && for service in services/*; do cp "target/release/$(basename "$service")" /out/bin/; done \
    # The object store of development, for the local overlay.
    && cp target/release/bucket /out/bin/

# Nothing but the C and C++ libraries and the certificates of authorities: no shell, no packages.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/bin/ /usr/local/bin/
COPY --from=web /src/web/dist/ /usr/share/sartiq/web/
# Large blocks of memory go back to the system as soon as they are free. By itself glibc keeps blocks as large as any
# that was ever freed: 19 MB after the first password.
ENV GLIBC_TUNABLES=glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072:glibc.malloc.arena_max=2
USER 65532:65532
EXPOSE 50051 9464
