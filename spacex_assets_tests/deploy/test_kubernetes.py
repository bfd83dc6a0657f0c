"""The files for Kubernetes: valid by its schemas, hardened, without secrets, and saying what compose says.

The chart itself is not here, so nothing renders it. What Dagster makes of the values, the pod of a run, is made by
dagster-k8s where that is installed.
"""

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from spacex_assets.config import SECRETS, Executor, Settings

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "kubernetes"
VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())
(CODE,) = VALUES["dagster-user-deployments"]["deployments"]
LAUNCHER = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
KUBERNETES = "1.34"
MANIFESTS = [
    (path.name, manifest)
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "values.yaml"
    for manifest in yaml.safe_load_all(path.read_text())
]
POLICIES = {manifest["metadata"]["name"]: manifest["spec"] for name, manifest in MANIFESTS if "policies" in name}


def pod(values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The pod that the chart makes of the values of a component, as far as they say it."""
    container = {
        "name": "dagster",
        "image": f"{values['image']['repository']}:{values['image']['tag']}",
        "imagePullPolicy": values["image"]["pullPolicy"],
        **{name: values[name] for name in ("securityContext", "resources", "volumeMounts", "env") if name in values},
        **more,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", "labels": values["labels"]},
        "spec": {
            "securityContext": values["podSecurityContext"],
            "containers": [container],
            "volumes": values["volumes"],
        },
    }


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The metadata and spec of every pod."""
    yield "webserver", pod(VALUES["dagsterWebserver"])
    yield "daemon", pod(VALUES["dagsterDaemon"])
    yield "code", pod(CODE)
    run = LAUNCHER["runK8sConfig"]
    yield "run", pod({**CODE, "securityContext": LAUNCHER["securityContext"]}, **run["containerConfig"])
    for name, manifest in MANIFESTS:
        if manifest["kind"] == "Job":
            yield name, manifest["spec"]["template"]


PODS = dict(pods())


@pytest.mark.parametrize("manifest", [pytest.param(manifest, id=name) for name, manifest in MANIFESTS])
def test_a_manifest_is_what_kubernetes_declares(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", ["webserver", "daemon", "code", "run"])
def test_what_the_values_say_of_a_pod_is_what_kubernetes_declares(name: str) -> None:
    kubernetes_validate.validate(PODS[name], KUBERNETES, strict=True)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_hardened_and_writes_to_bounded_volumes_only(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    bounded = {volume["name"]: volume.get("emptyDir", {}).get("sizeLimit") for volume in spec["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == bounded.keys()
    assert all(bounded[mount["name"]] or mount["readOnly"] for mount in container["volumeMounts"])
    assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_leaves_the_runtime_room_for_the_token_of_its_service_account(name: str) -> None:
    token = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    folders = {*token.parents, *(Path("/run") / parent.relative_to("/var/run") for parent in token.parents[:-2])}
    (container,) = PODS[name]["spec"]["containers"]
    assert not [mount for mount in container["volumeMounts"] if Path(mount["mountPath"]) in folders]


@pytest.mark.parametrize("name", ["code", "run", "migrate-job.yaml"])
def test_a_secret_is_a_file_that_the_settings_read(name: str) -> None:
    spec = PODS[name]["spec"]
    [secrets] = [volume for volume in spec["volumes"] if volume["name"] == "secrets"]
    sources = (
        [one["secret"] for one in secrets["projected"]["sources"]] if "projected" in secrets else [secrets["secret"]]
    )
    there = {item["path"] for source in sources for item in source["items"]}
    mounts = [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "secrets"]
    assert {mount["mountPath"]: mount["subPath"] for mount in mounts} == {f"{SECRETS}/{file}": file for file in there}
    assert {file.removeprefix("spacex_") for file in there} <= Settings.model_fields.keys()


@pytest.mark.parametrize("name", [name for name in PODS if name != "code"])
def test_a_pod_that_works_says_what_it_needs_and_may_take(name: str) -> None:
    resources = PODS[name]["spec"]["containers"][0]["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}


def test_the_code_servers_resources_are_not_those_of_every_run() -> None:
    assert "resources" not in CODE, "the chart would give them to every run, in place of the launcher's"


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    else:
        yield name, value


def test_secrets_are_named_and_never_given() -> None:
    for name, value in _leaves("", [VALUES, *(manifest for _, manifest in MANIFESTS)]):
        assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), value
        if re.search("(?i)password|secret", name):
            assert value is False or name.endswith(("SecretName", "secretName")), (name, value)
    assert not any(manifest["kind"] == "Secret" for _, manifest in MANIFESTS)


def test_every_variable_of_ours_is_a_setting() -> None:
    variables = [variable for one in PODS.values() for variable in one["spec"]["containers"][0].get("env", [])]
    ours = {variable["name"].removeprefix("SPACEX_").lower() for variable in variables}
    assert ours <= Settings.model_fields.keys()
    assert {variable["name"]: variable["value"] for variable in CODE["env"]}["SPACEX_EXECUTOR"] in list(Executor)


def test_the_instance_is_configured_as_everywhere() -> None:
    here = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    there = dict(VALUES["additionalInstanceConfig"])
    for name in ("nux", "concurrency", "run_retries"):
        assert there.pop(name) == here[name]
    slower = {"poll_interval_seconds", "start_timeout_seconds"}
    monitoring = there.pop("run_monitoring")
    assert {name: monitoring[name] for name in monitoring.keys() - slower} == {
        name: here["run_monitoring"][name] for name in here["run_monitoring"].keys() - slower
    }
    assert not there
    assert VALUES["scheduler"]["config"]["customScheduler"] == here["scheduler"]
    assert VALUES["telemetry"] == here["telemetry"]
    assert VALUES["pythonLogs"]["managedPythonLoggers"] == here["python_logs"]["managed_python_loggers"]
    assert VALUES["computeLogManager"]["type"] == here["compute_logs"]["class"]
    for name, kept in here["retention"].items():
        assert VALUES["retention"][name] == {"purgeAfterDays": kept["purge_after_days"]}
    covered = {"nux", "concurrency", "run_retries", "run_monitoring", "scheduler", "telemetry", "retention"}
    elsewhere = {"storage", "run_launcher", "python_logs", "compute_logs"}
    assert here.keys() == covered | elsewhere
    for name in ("runMonitoring", "runRetries"):
        assert VALUES["dagsterDaemon"][name] == {"enabled": False}, "the instance file would have it twice"


def _roles(selector: dict[str, Any]) -> set[str]:
    """The roles of the pods that a selector takes; all without one."""
    found = {one["metadata"]["labels"]["spacex-assets/role"] for one in PODS.values()}
    wanted = selector.get("matchLabels", {}).get("spacex-assets/role")
    found &= {wanted} if wanted else found
    for expression in selector.get("matchExpressions", []):
        if expression["key"] == "spacex-assets/role":
            found &= set(expression["values"])
    return found


def _ways(direction: str, side: str) -> set[tuple[str, str, int]]:
    """Who may reach what on which port, by the rules of a direction."""
    return {
        (
            role,
            peer.get("ipBlock", {}).get("cidr") or ",".join(sorted(_roles(peer["podSelector"]))),
            port["port"],
        )
        for policy in POLICIES.values()
        for rule in policy.get(direction, [])
        for peer in rule[side]
        for port in rule["ports"]
        for role in _roles(policy["podSelector"])
        if "namespaceSelector" not in peer
    }


def test_the_network_is_that_of_compose() -> None:
    assert POLICIES["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert _ways("egress", "to") == {
        *((role, "192.0.2.10/32", 5432) for role in ("code", "webserver", "daemon", "migrate")),
        *((role, "192.0.2.20/32", port) for role in ("code", "webserver", "daemon") for port in (443, 6443)),
        ("webserver", "code", 4000),
        ("daemon", "code", 4000),
        ("code", "0.0.0.0/0", 443),
    }
    assert _ways("ingress", "from") == {("code", "daemon,webserver", 4000)}
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert "egress_network" in compose["code"]["networks"]
    assert not any("egress_network" in compose[name]["networks"] for name in ("webserver", "daemon", "migrate"))


def test_the_code_reaches_outside_but_no_private_address_and_no_metadata_service() -> None:
    (rule,) = POLICIES["code-to-outside"]["egress"]
    (peer,) = rule["to"]
    excluded = [ipaddress.ip_network(one) for one in peer["ipBlock"]["except"]]
    for address in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"):
        assert any(ipaddress.ip_address(address) in network for network in excluded)


def test_dagster_makes_a_hardened_job_with_its_own_resources_of_a_run() -> None:
    dagster_k8s = pytest.importorskip("dagster_k8s", reason="make test-kubernetes makes this run")
    from dagster._config import process_config, resolve_to_config_type
    from dagster_k8s.container_context import K8sContainerContext
    from dagster_k8s.job import DagsterK8sJobConfig, construct_dagster_k8s_job
    from kubernetes.client import ApiClient

    config = {
        "job_namespace": "spacex",
        "service_account_name": "dagster",
        "dagster_home": "/opt/dagster/dagster_home",
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": VALUES["global"]["postgresqlSecretName"],
        "image_pull_policy": LAUNCHER["imagePullPolicy"],
        "fail_pod_on_run_failure": LAUNCHER["failPodOnRunFailure"],
        "security_context": LAUNCHER["securityContext"],
        "run_k8s_config": {
            "container_config": LAUNCHER["runK8sConfig"]["containerConfig"],
            "pod_spec_config": LAUNCHER["runK8sConfig"]["podSpecConfig"],
            "pod_template_spec_metadata": LAUNCHER["runK8sConfig"]["podTemplateSpecMetadata"],
            "job_spec_config": LAUNCHER["runK8sConfig"]["jobSpecConfig"],
        },
    }
    declared = resolve_to_config_type(dagster_k8s.K8sRunLauncher.config_type())
    checked = process_config(declared, config)
    assert checked.success, checked.errors
    launcher = {name: checked.value.get(name) for name in ("image_pull_policy", "security_context", "run_k8s_config")}
    location = {
        "k8s": {
            "env": CODE["env"],
            "volumes": CODE["volumes"],
            "volume_mounts": CODE["volumeMounts"],
            "labels": CODE["labels"],
            "namespace": "spacex",
            "service_account_name": VALUES["dagster-user-deployments"]["serviceAccount"]["name"],
        }
    }
    context = K8sContainerContext.create_from_config({"k8s": launcher}).merge(
        K8sContainerContext.create_from_config(location)
    )
    job_config = DagsterK8sJobConfig(
        job_image="image:1",
        dagster_home=config["dagster_home"],
        instance_config_map=config["instance_config_map"],
        postgres_password_secret=config["postgres_password_secret"],
    )
    job = construct_dagster_k8s_job(
        job_config, ["dagster", "api", "execute_run"], "dagster-run-x", context.run_k8s_config, component="run_worker"
    )
    made = ApiClient().sanitize_for_serialization(job)
    kubernetes_validate.validate(made, KUBERNETES, strict=True)
    template = made["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert template["metadata"]["labels"]["spacex-assets/role"] == "code"
    assert container["resources"] == LAUNCHER["runK8sConfig"]["containerConfig"]["resources"]
    assert container["securityContext"] == CODE["securityContext"]
    assert template["spec"]["securityContext"] == CODE["podSecurityContext"]
    assert [mount for mount in CODE["volumeMounts"] if mount not in container["volumeMounts"]] == []
    assert made["spec"]["ttlSecondsAfterFinished"] == 86400
