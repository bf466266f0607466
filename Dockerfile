# Paysluice's image. Works without BuildKit, and behind a company's mirror: docs/deploy.md.
#
#   docker build -t paysluice .

# Debian, or what is made of it, with Python 3.11 or newer, its venv, and ca-certificates.
ARG BASE=python:3.12-slim

# --- built here, and left behind
FROM ${BASE} AS build

# pip's own settings. What they hold is in the history of this stage, and not of the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
# The authority of a mirror: put it beside this file as ca.pem, and say PIP_CERT=/src/ca.pem.
ARG PIP_CERT
ARG PIP_DEFAULT_TIMEOUT=60
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /src
# The pattern lets ca.pem be missing.
COPY requirements/*.txt ca.pe[m] ./
RUN python3 -m venv /build \
    && python3 -m venv --without-pip /opt/paysluice \
    && /build/bin/pip install --require-hashes --only-binary :all: -r build.txt \
    && /build/bin/pip --python /opt/paysluice/bin/python install \
        --no-compile --require-hashes --only-binary :all: -r run.txt

COPY pyproject.toml README.md LICENSE ./
COPY proxy proxy
RUN /build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist . \
    && /build/bin/pip --python /opt/paysluice/bin/python install \
        --no-compile --no-deps --no-index /dist/*.whl

COPY scripts/image_root.py ./
RUN python3 image_root.py /opt/paysluice /image && mkdir /empty

# --- what runs
FROM scratch

ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Paysluice" \
      org.opencontainers.image.description="A sidecar between an application and its payment providers that never charges twice" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}"

COPY --from=build /image /
# The ledger's place, and that of a socket: a volume that is made there takes this owner.
COPY --from=build --chown=65532:65532 /empty /var/lib/paysluice
COPY --from=build --chown=65532:65532 /empty /run/paysluice

ENV PATH=/opt/paysluice/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PAYSLUICE_CONFIG=/etc/paysluice/paysluice.yaml

USER 65532:65532
WORKDIR /var/lib/paysluice
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["/opt/paysluice/bin/paysluice", "health"]
ENTRYPOINT ["/opt/paysluice/bin/paysluice"]
CMD ["run"]
