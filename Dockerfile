# One image for coordinator and workers: `docker compose up` (compose.yaml), or by itself:
#   docker build -t genai-social-sim .  &&  docker run --rm genai-social-sim doctor

FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src src
# The versions of the lock file, as far as they are needed here; the test tools stay outside.
RUN grep -E '^[a-z]' requirements.lock | sed 's/ *\\$//' > constraints.txt
RUN python -m venv /opt/gss
RUN /opt/gss/bin/pip install --no-cache-dir --constraint constraints.txt '.[ollama,openai,redis,page,statistics]'

FROM python:3.13-slim
# What llama.cpp needs of the system.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/gss /opt/gss
# Owned by whoever runs it, so that named volumes that are mounted here are, too.
RUN install -d -o 10001 -g 10001 /runs /models
ENV PATH=/opt/gss/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp GSS_CACHE=/models
USER 10001:10001
WORKDIR /runs
ENTRYPOINT ["gss"]
CMD ["--help"]
