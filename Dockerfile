# One image for all of our processes: the command says which (`serve relay`, `serve projector`, ...).
FROM python:3.11.15-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/orderlog
COPY requirements/services.txt ./
RUN /opt/orderlog/bin/pip install --require-hashes -r services.txt
COPY pyproject.toml README.md ./
COPY contracts contracts
COPY event_store event_store
COPY write_side write_side
COPY projections projections
COPY read_side read_side
COPY api api
COPY bootstrap bootstrap
RUN /opt/orderlog/bin/pip install --no-deps . \
    && /opt/orderlog/bin/pip check \
    && /opt/orderlog/bin/pip uninstall --yes pip setuptools

FROM python:3.11.15-slim-bookworm
# What installs packages is not needed any more. The folders belong to the user, so that volumes do.
RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
    && groupadd --gid 10001 orderlog \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin orderlog \
    && install --directory --owner=orderlog --group=orderlog --mode=0700 /data /secrets
COPY --from=build /opt/orderlog /opt/orderlog
COPY deploy/healthy.py /opt/orderlog/healthy.py
ENV PATH=/opt/orderlog/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORDERLOG_HOST=0.0.0.0 \
    ORDERLOG_PORT=8000 \
    ORDERLOG_DATA=/data \
    ORDERLOG_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/opt/orderlog/healthy.py"]
ENTRYPOINT ["orderlog"]
CMD ["serve"]
