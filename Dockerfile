# The image of `assay serve`, `assay worker` and `assay migrate`. It holds no PostgreSQL and no
# settings of a merchant: ASSAY_DATABASE_URL and ASSAY_BTC_DEST_ADDRESS come from whoever runs it.

FROM python:3.12-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# What Assay runs on, pinned and hashed. The lock is complete, so nothing is resolved: a release of
# tomorrow changes nothing. pip stays outside: the last stage needs none.
COPY requirements.lock ./
RUN python -m venv --without-pip /opt/assay \
    && pip --python /opt/assay/bin/python install --no-deps --require-hashes -r requirements.lock

# What builds Assay's wheel.
COPY requirements-build.lock ./
RUN pip install --no-deps --require-hashes -r requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY app app
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/assay/bin/python install --no-deps --no-index dist/*.whl \
    && pip --python /opt/assay/bin/python check


FROM python:3.12-slim-trixie

LABEL org.opencontainers.image.title="Assay" \
      org.opencontainers.image.description="Prepaid credits for cryptocurrency, spent on risk assessments of blockchain addresses and transactions." \
      org.opencontainers.image.licenses="Apache-2.0"

# In a container, loopback would reach nobody.
ENV PATH=/opt/assay/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ASSAY_HOST=0.0.0.0

COPY --from=build /opt/assay /opt/assay

WORKDIR /opt/assay
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM

# Not urllib, which would ask a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('ASSAY_PORT') or 8000), timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

CMD ["assay", "serve"]
