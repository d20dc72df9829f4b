"""deploy/kubernetes, rendered by kustomize, and the chart of deploy/helm, rendered by helm: held to the published schemas, and to what its parts say of one another."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsflow.cli.kafka import API_VERSION
from newsflow.config.load import config_of, load_config
from newsflow.config.settings import LedgerSettings
from newsflow.model.names import ARTICLE_TOPIC, RAW_TOPIC
from newsflow.model.topics import declared_topics
from tests.deploy.deploy_tools import DEPLOY, charted, helm, rendered, run
from tests.deploy.published_schemas import check_resource

KUBERNETES = DEPLOY / "kubernetes"
WAYS = ["base", "split", "flink-session", "flink-application", "helm"]
GIVEN = {
    ("Secret", "newsflow-ledger"): {"LEDGER_URL"},
    ("Secret", "newsflow-kafka-user"): {"KAFKA_PASSWORD"},
    ("Secret", "newsflow-kafka-ca"): {"ca.crt"},
}
"""What the guide asks for beforehand."""

Resource = Mapping[str, Any]


@cache
def resources(way: str) -> list[dict[str, Any]]:
    return charted() if way == "helm" else rendered(KUBERNETES / way)


def named(way: str, kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in resources(way) if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pod_templates(way: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, labels and spec of every pod there will be."""
    for each in resources(way):
        name, spec = each["metadata"]["name"], each.get("spec", {})
        if each["kind"] == "FlinkDeployment":
            kind = "standalone" if spec.get("mode") == "standalone" else "native"
            yield name, {"app": name, "type": f"flink-{kind}-kubernetes"}, spec["podTemplate"]["spec"]
            continue
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template is not None:
            yield name, template["metadata"]["labels"], template["spec"]


def containers(spec: Resource) -> list[Resource]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def selects(selector: Resource, labels: Resource) -> bool:
    matches = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    expressions = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in expressions)
    return matches and all(labels.get(each["key"]) in each["values"] for each in expressions)


@pytest.mark.parametrize("way", [*WAYS, "topics"])
def test_every_resource_follows_its_published_schema(way: str) -> None:
    kinds = [each["kind"] for each in resources(way)]
    assert kinds
    for each in resources(way):
        check_resource(each)
    assert ("FlinkDeployment" in kinds) == way.startswith("flink")


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ("spec", "replica"), 1),
        ("Deployment", ("spec", "template", "spec", "containers", 0, "resources", "limit"), {}),
        ("PodDisruptionBudget", ("spec", "maxUnavailable"), []),
        ("NetworkPolicy", ("spec", "egress"), {}),
        ("FlinkDeployment", ("spec", "flinkVersion"), "v0_1"),
        ("FlinkDeployment", ("spec", "taskManager", "resources"), {}),
        ("FlinkDeployment", ("spec", "podTemplate", "spec", "volumes", 0, "persistentVolumeClaim", "name"), "x"),
        ("KafkaTopic", ("spec", "partitions"), 0),
        ("KafkaTopic", ("spec", "partition"), 4),
        ("KafkaUser", ("spec", "authentication", "type"), "password"),
        ("KafkaUser", ("apiVersion",), "kafka.strimzi.io/v2"),
    ],
)
def test_the_check_finds_what_is_wrong(kind: str, path: tuple[Any, ...], value: Any) -> None:
    way = "topics" if kind.startswith("Kafka") else "flink-session" if kind == "FlinkDeployment" else "base"
    broken = copy.deepcopy(next(each for each in resources(way) if each["kind"] == kind))
    check_resource(broken)
    place: Any = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises((AssertionError, ValueError)):
        check_resource(broken)


@pytest.mark.parametrize("way", WAYS)
def test_no_pod_is_root_or_writes_to_its_root_or_has_rights(way: str) -> None:
    pods = list(pod_templates(way))
    assert len(pods) >= 2
    for name, _, spec in pods:
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] >= 9999, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}, name
            if container["name"] != "flink-main-container":  # Flink's have theirs from jobManager and taskManager
                assert "memory" in container["resources"]["limits"], name
                assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name


@pytest.mark.parametrize("way", WAYS)
def test_everything_a_pod_refers_to_is_there(way: str) -> None:
    there = {(each["kind"], each["metadata"]["name"]) for each in resources(way)}
    for name, _, spec in pod_templates(way):
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for container in containers(spec):
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes), name
            for variable in container.get("env", ()):
                if "valueFrom" in variable:
                    secret = variable["valueFrom"]["secretKeyRef"]
                    assert secret["key"] in GIVEN["Secret", secret["name"]], name
        for volume in volumes.values():
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there, name
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in there, name
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in GIVEN, name
        if "serviceAccountName" in spec:
            assert ("ServiceAccount", spec["serviceAccountName"]) in there, name
    for each in resources(way):
        if each["kind"] == "FlinkDeployment":
            assert ("ServiceAccount", each["spec"]["serviceAccount"]) in there


@pytest.mark.parametrize("way", WAYS)
def test_whoever_writes_or_reads_blobs_mounts_their_volume(way: str, tmp_path: Path) -> None:
    (data,) = [each["data"] for each in resources(way) if each["kind"] == "ConfigMap"]
    (tmp_path / "newsflow.yaml").write_text(data["newsflow.yaml"], encoding="utf-8")
    blobs = load_config(tmp_path / "newsflow.yaml", environ={}).config.blobs
    assert blobs.shared
    for name, _, spec in pod_templates(way):
        mounts = {mount["mountPath"] for each in containers(spec) for mount in each["volumeMounts"]}
        hands_in = any("--detach" in each.get("args", ()) for each in containers(spec))
        assert hands_in or blobs.url.removeprefix("folder:///") in mounts, name
        security = spec["securityContext"]
        assert hands_in or 10001 in (security["fsGroup"], *security.get("supplementalGroups", ())), name


@pytest.mark.parametrize("way", WAYS)
def test_secrets_are_never_written_down(way: str) -> None:
    assert "Secret" not in {each["kind"] for each in resources(way)}
    for _, _, spec in pod_templates(way):
        for container in containers(spec):
            variables = {each["name"]: each for each in container.get("env", ())}
            for secret in ("LEDGER_URL", "KAFKA_PASSWORD"):
                assert secret not in variables or "value" not in variables[secret]


@pytest.mark.parametrize("way", WAYS)
def test_the_configuration_is_valid_and_its_files_are_mounted(way: str, tmp_path: Path) -> None:
    (data,) = [each["data"] for each in resources(way) if each["kind"] == "ConfigMap"]
    (text,) = data.values()
    (tmp_path / "newsflow.yaml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "newsflow.yaml", environ={}).config
    references = {config.ledger.url, config.kafka.security.password}
    assert references == {f"env:{key}" for key in ("LEDGER_URL", "KAFKA_PASSWORD")}
    # Jobs beside one another have names and groups of their own.
    jobs = [config_of(name, config) for name in ("ingest", "trends")]
    assert len({job.job for job in jobs}) == len({job.kafka.group for job in jobs}) == len(jobs)
    for name, _, spec in pod_templates(way):
        for container in containers(spec):
            words = " ".join([*container.get("command", ()), *container.get("args", ())])
            mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
            named_files = {each.rpartition("/")[2] for each in words.split() if each.startswith("/etc/newsflow/")}
            assert named_files <= set(data), name
            assert named_files or container["name"] == "flink-main-container", name
            assert "/etc/newsflow" in mounts, name
            asks_kafka = not words.startswith("ledger ")
            assert not asks_kafka or str(Path(str(config.kafka.security.ca_file)).parent) in mounts, name


@pytest.mark.parametrize("way", WAYS)
def test_workloads_select_their_own_pods_alone(way: str) -> None:
    pods = list(pod_templates(way))
    for each in resources(way):
        if each["kind"] == "Deployment":
            chosen = [name for name, labels, _ in pods if selects(each["spec"]["selector"], labels)]
            assert chosen == [each["metadata"]["name"]]
    budgets = [each for each in resources(way) if each["kind"] == "PodDisruptionBudget"]
    for budget in budgets:
        chosen = [name for name, labels, _ in pods if selects(budget["spec"]["selector"], labels)]
        assert chosen == (["newsflow-ingest", "newsflow-ingest-second"] if way == "split" else ["newsflow-ingest"])
        # A budget that allows none to be away would keep the node of a single pod from ever being emptied.
        assert budget["spec"]["maxUnavailable"] == 1
    assert bool(budgets) == (way in ("base", "split", "helm"))


@pytest.mark.parametrize("way", WAYS)
def test_each_pod_may_reach_what_it_needs_and_nobody_reaches_the_jobs(way: str) -> None:
    policies = [each["spec"] for each in resources(way) if each["kind"] == "NetworkPolicy"]
    for name, labels, _ in pod_templates(way):
        mine = [policy for policy in policies if selects(policy["podSelector"], labels)]
        rules = [rule for policy in mine for rule in policy.get("egress", ())]
        open_ports = {port["port"] for rule in rules for port in rule.get("ports", ())}
        needed = {53, 5432, 9093} | ({8081} if labels.get("app.kubernetes.io/component") == "submit" else set())
        assert needed <= open_ports, name
        assert "Ingress" in {kind for policy in mine for kind in policy["policyTypes"]}, name
        entries = [policy["ingress"] for policy in mine if policy.get("ingress")]
        assert bool(entries) == ("type" in labels), name
    # Whatever another rule lets through must not be narrowed to pods of ours: the brokers are not.
    for policy in policies:
        for rule in policy.get("egress", ()):
            for peer in rule.get("to", ()):
                assert "app.kubernetes.io/name" not in peer["podSelector"].get("matchLabels", {})


def test_each_partition_of_the_input_is_read_by_exactly_one_process() -> None:
    shares = []
    for each in resources("split"):
        if each["kind"] != "Deployment":
            continue
        args = each["spec"]["template"]["spec"]["containers"][0]["args"]
        if args[:2] == ["run", "ingest"]:
            shares += args[args.index("--partitions") + 1].split(",")
            assert each["spec"]["replicas"] == 1
    (raw,) = [spec for spec in declared_topics() if spec.name == RAW_TOPIC]
    assert sorted(map(int, shares)) == list(range(raw.partitions))


@pytest.mark.parametrize("way", ["base", "split", "flink-application", "helm"])
def test_each_local_loop_is_asked_for_its_heartbeat(way: str) -> None:
    probes = []
    for name, _, spec in pod_templates(way):
        for container in spec["containers"]:
            args = container.get("args", ())
            asked = {key: value for key, value in container.items() if key.endswith("Probe")}
            assert bool(asked) == ("--heartbeat" in args) == ("run" in args and "--follow" in args), name
            if asked:
                file = args[args.index("--heartbeat") + 1]
                assert all(file in " ".join(probe["exec"]["command"]) for probe in asked.values()), name
                probes.append(asked)
    assert probes
    assert all(asked == probes[0] for asked in probes)


@pytest.mark.parametrize("way", WAYS)
def test_only_what_tells_or_stores_may_reach_destinations(way: str) -> None:
    policies = [each["spec"] for each in resources(way) if each["kind"] == "NetworkPolicy"]
    for name, labels, _ in pod_templates(way):
        mine = [policy for policy in policies if selects(policy["podSelector"], labels)]
        ports = {port["port"] for policy in mine for rule in policy.get("egress", ()) for port in rule.get("ports", ())}
        tells = labels.get("app.kubernetes.io/component") in ("ingest", "deliver")
        assert ({443, 587} <= ports) == tells, name


@pytest.mark.parametrize("way", ["flink-session", "flink-application"])
def test_what_runs_on_flink_has_no_local_loop_beside_it(way: str) -> None:
    local = {each["metadata"]["name"] for each in resources(way) if each["kind"] == "Deployment"}
    assert local == {"newsflow-deliver"} | ({"newsflow-trends"} if way == "flink-application" else set())
    assert named(way, "CronJob", "newsflow-prune")


@pytest.mark.parametrize("way", WAYS)
def test_the_ledger_forgets_and_not_too_early(way: str, tmp_path: Path) -> None:
    (data,) = [each["data"] for each in resources(way) if each["kind"] == "ConfigMap"]
    (tmp_path / "newsflow.yaml").write_text(data["newsflow.yaml"], encoding="utf-8")

    def ledger_of(container: Resource) -> LedgerSettings:
        environ = {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}
        return load_config(tmp_path / "newsflow.yaml", environ=environ).config.ledger

    ledger = ledger_of({})
    (raw,) = [spec for spec in declared_topics() if spec.name == RAW_TOPIC]
    assert ledger.retention_d * 86_400_000 > int(raw.config["retention.ms"])
    # The main job's local loop prunes by itself; on Flink something else must. The others beside it never do.
    by_itself = {
        labels["app.kubernetes.io/component"]
        for _, labels, spec in pod_templates(way)
        for container in spec["containers"]
        if "--follow" in container.get("args", ()) and "deliver" not in container["args"]
        if ledger_of(container).prune_every_h > 0
    }
    jobs = [each["metadata"]["name"] for each in resources(way) if each["kind"] == "CronJob"]
    assert (by_itself, jobs) in (({"ingest"}, []), (set(), ["newsflow-prune"]))


def test_topics_and_rights_are_those_of_the_jobs() -> None:
    user = named("topics", "KafkaUser", "newsflow")
    config = load_config(KUBERNETES / "base" / "newsflow.yaml", environ={}).config
    assert user["metadata"]["name"] == config.kafka.security.username
    assert user["spec"]["authentication"]["type"] == str(config.kafka.security.sasl_mechanism).lower()
    rights = {each["resource"]["type"]: each for each in user["spec"]["authorization"]["acls"]}
    for name in (RAW_TOPIC, ARTICLE_TOPIC):
        assert name.startswith(rights["topic"]["resource"]["name"])
    assert {"Read", "Write", "Describe"} <= set(rights["topic"]["operations"])
    for group in (config.kafka.group, f"{config.kafka.group}.deliver.alerts", "newsflow.trends"):
        assert group.startswith(rights["group"]["resource"]["name"])
    clusters = {each["metadata"]["labels"]["strimzi.io/cluster"] for each in resources("topics")}
    assert clusters == {"newsflow"}
    assert {each["apiVersion"] for each in resources("topics")} == {API_VERSION}


def test_images_have_one_version() -> None:
    from newsflow import __version__

    for way in WAYS:
        text = yaml.safe_dump_all(resources(way))
        found = {line.split("image: ")[1].strip() for line in text.splitlines() if "image: " in line}
        assert found <= {f"registry.example/{name}:{__version__}" for name in ("newsflow", "newsflow-flink")}, way
        assert found


def _without_names(spec: Resource) -> dict[str, Any]:
    """A pod's spec with the name of its configuration as written, not with the digest that kustomize adds."""
    copied: dict[str, Any] = copy.deepcopy(dict(spec))
    for volume in copied["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["name"] = "newsflow-config"
    return copied


def test_the_chart_is_the_manifests_of_base() -> None:
    base = {name: _without_names(spec) for name, _, spec in pod_templates("base")}
    assert {name: _without_names(spec) for name, _, spec in pod_templates("helm")} == base
    kinds = [sorted((each["kind"], each["metadata"]["name"]) for each in resources(way)) for way in ("base", "helm")]
    assert [[kind for kind, _ in each] for each in kinds] == [[kind for kind, _ in kinds[0]]] * 2
    for name in base:
        for member in ("replicas", "strategy"):
            specs = [named(way, "Deployment", name)["spec"] for way in ("base", "helm")]
            assert specs[0][member] == specs[1][member]


def test_values_of_the_chart_are_laid_over_it(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "image": {"repository": "registry.example/ours", "tag": "7", "pullSecrets": [{"name": "pull"}]},
        "config": {"kafka": {"bootstrap_servers": "elsewhere:9093"}, "routes": {"paths": ["routes.yaml"]}},
        "files": {"routes.yaml": "version: 1\nroutes: []\n"},
        "secrets": {"ledger": "a", "kafkaUser": "b", "kafkaCa": "c"},
        "shares": ["0,1", "2", "3"],
        "resources": {"trends": {"limits": {"memory": "2Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}},
        "blobs": {"storage": "7Gi", "storageClass": "shared"},
        "networkPolicies": False,
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    found = charted("--values", str(tmp_path / "values.yaml"))
    for each in found:
        check_resource(each)
    by_kind = {each["kind"]: each for each in found}
    assert "NetworkPolicy" not in by_kind
    claim = by_kind["PersistentVolumeClaim"]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("shared", "7Gi")
    for name, text in by_kind["ConfigMap"]["data"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "newsflow.yaml", environ={}).config
    assert config.kafka.bootstrap_servers == "elsewhere:9093"
    assert config.kafka.security.username == "newsflow", "the rest is as in base"
    assert [Path(each).name for each in config.route_paths] == ["routes.yaml"]
    jobs = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "Deployment"}
    ingests = [name for name in jobs if name.startswith("newsflow-ingest")]
    assert ingests == ["newsflow-ingest", "newsflow-ingest-2", "newsflow-ingest-3"]
    shares = [jobs[name]["template"]["spec"]["containers"][0]["args"][-2:] for name in ingests]
    assert shares == [["--partitions", "0,1"], ["--partitions", "2"], ["--partitions", "3"]]
    pods = {name: spec["template"] for name, spec in jobs.items()}
    for name, spec in jobs.items():
        chosen = [other for other, pod in pods.items() if selects(spec["selector"], pod["metadata"]["labels"])]
        assert chosen == [name]
        assert spec["template"]["spec"]["imagePullSecrets"] == [{"name": "pull"}]
        for container in containers(spec["template"]["spec"]):
            assert container["image"] == "registry.example/ours:7"
            named_secrets = {
                each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"] if "valueFrom" in each
            }
            assert named_secrets == {"a", "b"}
    assert jobs["newsflow-trends"]["template"]["spec"]["containers"][0]["resources"] == values["resources"]["trends"]
    # A change of the configuration starts the jobs again.
    digests = {each["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for each in resources("helm")
               if each["kind"] == "Deployment"}  # fmt: skip
    assert len(digests) == 1
    assert digests.isdisjoint(pod["metadata"]["annotations"]["checksum/config"] for pod in pods.values())


def test_the_chart_passes_helms_own_lint_and_packs_what_it_links_to(tmp_path: Path) -> None:
    run(helm(), "lint", "--strict", str(DEPLOY / "helm"))
    run(helm(), "package", str(DEPLOY / "helm"), "--destination", str(tmp_path))
    [archive] = tmp_path.glob("newsflow-*.tgz")
    assert run(helm(), "template", "newsflow", archive, "--kube-version", "1.33.0") == run(
        helm(), "template", "newsflow", DEPLOY / "helm", "--kube-version", "1.33.0"
    )


def test_the_chart_has_the_version_of_newsflow() -> None:
    from newsflow import __version__

    chart = yaml.safe_load((DEPLOY / "helm" / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__
    assert chart["version"].replace("-", ".") == __version__
