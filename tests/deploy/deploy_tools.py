"""The tools that render and check deploy/: fetched once a checkout, in pinned versions, by the registries' own clients."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsflow.tools.programs import exclusive

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PLACE = ROOT / ".newsflow" / "deploy-tools"
HERE = Path(__file__).resolve().parent

KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
HELM = "helm.sh/helm/v3/cmd/helm@v3.20.2"
HELM_KUBERNETES = "1.33.0"
"""Built without its release's flags, helm takes itself to be talking to 1.20."""
JARS = {
    "flink-kubernetes-operator-api-1.10.0.jar": "b1f44814e17514fa8395c61b329a3ee9087123a5bda5b21fe1a495d5182c30b6",
    "api-0.51.0.jar": "219b54d570c408523f62bffc999041c64ea926afbc784be942290709fbbcde62",
    "crd-annotations-0.45.0.jar": "a0f4e6cf97f07a64665397b5202e12ef1a5fd76d36f5c089eb085759b1cf2cce",
    "crd-generator-0.45.0.jar": "f03aab1b83d29bbd340ce484a4bb651faac7685c685865a30351a636da6008ea",
}
FLINK_DEFINITION = "META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"
STRIMZI_CLASSES = {
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic",
    "KafkaUser": "io.strimzi.api.kafka.model.user.KafkaUser",
}


def kustomize() -> Path:
    """The kustomize binary, built by Go in the version named; skips without Go."""
    binary = PLACE / "kustomize"
    with _place():
        if not binary.is_file():
            _go("install", KUSTOMIZE)
    return binary


def helm() -> Path:
    """The helm binary, built by Go in the version named, which takes some minutes once; skips without Go."""
    binary = PLACE / "helm"
    with _place():
        if not binary.is_file():
            _go("install", HELM)
    return binary


def charted(*arguments: str) -> list[dict[str, Any]]:
    """The resources that `helm install newsflow deploy/helm` would send, with these arguments."""
    chart = ("template", "newsflow", str(DEPLOY / "helm"), "--kube-version", HELM_KUBERNETES)
    return list(yaml.safe_load_all(run(helm(), *chart, *arguments)))


def compose_config() -> Path:
    """The loader of compose files that `docker compose` is built on; go.sum beside it pins what it is made of."""
    source = HERE / "compose_config"
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(source.iterdir()))).hexdigest()[:12]
    binary = PLACE / f"compose-config-{digest}"
    with _place():
        if not binary.is_file():
            _go("build", "-o", str(binary), ".", folder=source)
    return binary


def definitions() -> dict[str, dict[str, Any]]:
    """The published CustomResourceDefinitions by kind: FlinkDeployment, KafkaTopic, KafkaUser."""
    with _place():
        jars = _jars()
        found = {kind: PLACE / f"strimzi-{kind}.yaml" for kind in STRIMZI_CLASSES}
        if not all(path.is_file() for path in found.values()):
            _generate(jars, found)
        flink = _member(jars / "flink-kubernetes-operator-api-1.10.0.jar", FLINK_DEFINITION)
    texts = {"FlinkDeployment": flink} | {kind: path.read_bytes() for kind, path in found.items()}
    return {kind: yaml.load(text, yaml.CSafeLoader) for kind, text in texts.items()}


def run(*words: str | Path, folder: Path = ROOT, environ: Mapping[str, str] | None = None) -> str:
    """Run a tool and return what it prints; fails the test with its words when it fails."""
    done = subprocess.run(
        list(map(str, words)),
        cwd=folder, env={**os.environ, **(environ or {})}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{words[0]} said: {done.stderr[-3000:]}{done.stdout[-1000:]}"
    return done.stdout


def project(folder: Path, *files: str, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A compose project as compose understands it, variables filled in and files laid over one another."""
    loaded: dict[str, Any] = json.loads(run(compose_config(), *files, folder=folder, environ=environ))
    return loaded


def rendered(folder: Path) -> list[dict[str, Any]]:
    """The resources that `kubectl apply -k FOLDER` would send."""
    return list(yaml.safe_load_all(run(kustomize(), "build", folder)))


def _place() -> Any:
    PLACE.mkdir(parents=True, exist_ok=True)
    return exclusive(PLACE / "lock")


def _go(*words: str, folder: Path = ROOT) -> None:
    if shutil.which("go") is None:
        pytest.skip(f"no Go to build {words[-1]} with")
    environ = {**os.environ, "GOBIN": str(PLACE), "CGO_ENABLED": "0"}
    done = subprocess.run(["go", *words], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Go could not build {words[-1]}: {done.stderr[-300:]}")


def _jars() -> Path:
    folder = PLACE / "jars"
    if not all((folder / name).is_file() for name in JARS):
        if shutil.which("mvn") is None or shutil.which("java") is None:
            pytest.skip("no Maven and Java to fetch the definitions of Flink's and Strimzi's resources with")
        command = ["mvn", "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"Maven could not fetch the definitions: {done.stdout[-300:]}")
    for name, digest in JARS.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            shutil.rmtree(folder)  # half written by a run that was killed, or another file under its name
            pytest.fail(f"{name} is not the one we know; it was removed, the next run fetches it again")
    return folder


def _generate(jars: Path, wanted: Mapping[str, Path]) -> None:
    """Strimzi's own generator writes the definitions from its classes."""
    fresh = {kind: path.with_suffix(".new") for kind, path in wanted.items()}
    pairs = [f"{name}={fresh[kind]}" for kind, name in STRIMZI_CLASSES.items()]
    run("java", "-cp", f"{jars}/*", "io.strimzi.crdgenerator.CrdGenerator", "--yaml", *pairs)
    for kind, path in wanted.items():
        fresh[kind].replace(path)


def _member(archive: Path, name: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name)
