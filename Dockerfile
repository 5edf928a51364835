# docker build -t allcore . && docker run --init -p 127.0.0.1:8501:8501 -v allcore:/artifacts allcore
FROM python:3.12-slim

# cuda adds TensorFlow's CUDA libraries: docker build --build-arg DEVICE=cuda, then docker run --gpus all
ARG DEVICE=cpu

ENV PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    ALLCORE_ARTIFACTS=/artifacts \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0

RUN useradd --create-home --uid 10001 allcore && install -d -o allcore /app /artifacts
USER allcore
WORKDIR /app

# What changes seldom comes first: a new page does not install TensorFlow again.
COPY --chown=allcore .ci/find-python .ci/install .ci/
COPY --chown=allcore requirements.txt .
RUN .ci/install requirements.txt

COPY --chown=allcore .streamlit .streamlit
COPY --chown=allcore allcore allcore
COPY --chown=allcore pages pages
COPY --chown=allcore streamlit_app.py LICENSE ./

VOLUME /artifacts
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD [".venv/bin/python", "-c", "from allcore import launch; raise SystemExit(not launch.answers())"]
CMD [".venv/bin/python", "-m", "allcore", "app"]
