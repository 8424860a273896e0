"""What every overlay keeps to: one function for each rule, which yields complaints."""

import re

import reality
from network import (
    nothing_is_allowed_by_default,
    policies_are_the_call_graph,
    the_internet_is_nothing_private,
    urls_lead_to_services,
    what_a_pod_uses_is_what_its_service_uses,
)
from scaling import (
    keda_finds_and_believes_the_scaler,
    one_scaler_for_each_target,
    providers_come_from_nothing,
)
from world import container, labels, pod, port_number, selects

# Those that may be missing from an overlay.
OPTIONAL = {"production": {"sandbox"}}


def every_service_has_all_it_needs(world):
    """A Deployment, a Service, an account, a budget and a policy for each folder in services/."""
    kinds = ["Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy"]
    for name in reality.services():
        if name in OPTIONAL.get(world.overlay, set()):
            continue
        for kind in kinds if name != "sandbox" else ["Deployment", "Service", "NetworkPolicy"]:
            if not world.one(kind, name):
                yield f"{name} has no {kind}"


def settings_are_those_that_services_know(world):
    """Every file that is mounted is a setting of the service's --help."""
    for name in world.ours():
        for variable in world.settings(name):
            if variable not in world.real[name]:
                yield f"{name} does not know {variable}"


def settings_that_are_required_are_given(world):
    """What --help requires has a file; and a service without a key could call nobody."""
    for name in world.ours():
        given = world.settings(name)
        for variable, setting in world.real[name].items():
            if (setting.is_required or variable == "SERVICE_KEY") and variable not in given:
                yield f"{name} needs {variable}"


def secrets_are_in_secrets_alone(world):
    """What --help hides is in no ConfigMap, and nothing but the folder is in an environment."""
    for name, deployment in world.ours().items():
        for variable, (_, is_secret) in world.settings(name).items():
            setting = world.real[name].get(variable)
            if setting and setting.is_secret and not is_secret:
                yield f"{name}: {variable} is a secret"
        for variable in container(deployment).get("env", []):
            if variable["name"] != "SETTINGS_DIR":
                yield f"{name}: {variable['name']} is in its environment"


def a_setting_is_said_once(world):
    """Which of two files with one name is mounted is nobody's business to know."""
    for name in world.ours():
        said = [key for source in world.sources(name) for key in source]
        for key in sorted({it for it in said if 1 < said.count(it)}):
            yield f"{name}: {key} is said twice"


def settings_are_mounted_where_they_are_read(world):
    """SETTINGS_DIR is where the volume of settings is mounted."""
    for name, deployment in world.ours().items():
        folder = {it["name"]: it.get("value") for it in container(deployment).get("env", [])}
        mounts = {it["name"]: it["mountPath"] for it in container(deployment)["volumeMounts"]}
        if folder.get("SETTINGS_DIR") != mounts.get("settings"):
            yield f"{name} reads {folder} and has {mounts}"


def ports_are_those_that_services_listen_on(world):
    """LISTEN_ADDR, METRICS_ADDR and SCALER_LISTEN_ADDR are ports of the pod, open to the pod's network."""
    for name, deployment in world.ours().items():
        for variable, port in [
            ("LISTEN_ADDR", "grpc"),
            ("METRICS_ADDR", "metrics"),
            ("SCALER_LISTEN_ADDR", "scaler"),
        ]:
            address = world.value(name, variable) or ""
            number = port_number(deployment, port)
            if (address or number) and address != f"0.0.0.0:{number}":
                yield f"{name}: {variable} is {address or 'unset'}, the port {port} is {number}"


def services_lead_to_ports(world):
    """A Service selects the pods of one Deployment and a port that they have."""
    for name, service in world.all("Service").items():
        selected = [
            it
            for it in world.all("Deployment").values()
            if selects({"matchLabels": service["spec"]["selector"]}, labels(it))
        ]
        if len(selected) != 1:
            yield f"the Service {name} selects {len(selected)} Deployments"
            continue
        for port in service["spec"]["ports"]:
            if port_number(selected[0], port["targetPort"]) is None:
                yield f"the Service {name} leads to {port['targetPort']}"


def callers_choose_among_pods(world):
    """Whoever is called through our channels has no single address; browsers' door has one."""
    for name in world.ours():
        is_headless = world.one("Service", name)["spec"].get("clusterIP") == "None"
        if is_headless == (name == "gateway"):
            yield f"the Service {name} is {'' if is_headless else 'not '}headless"


def probes_ask_what_services_answer(world):
    """gRPC probes of the port that is listened on, by the names that crates/server answers."""
    names = reality.health_names()
    wanted = [
        ("startupProbe", names["readiness"]),
        ("readinessProbe", names["readiness"]),
        ("livenessProbe", names["liveness"]),
    ]
    for name, deployment in world.ours().items():
        for probe, service in wanted:
            asked = container(deployment).get(probe, {}).get("grpc", {})
            if asked != {"port": port_number(deployment, "grpc"), "service": service}:
                yield f"{name}: the {probe} asks {asked}"


def there_is_time_to_drain(world):
    """A call under way may end, what is left is cut by ourselves, and only then comes the kill."""
    for name, deployment in world.ours().items():
        drain = reality.seconds(world.value(name, "DRAIN_TIMEOUT"))
        longest = reality.seconds(world.value(name, "LONGEST_CALL"))
        before = container(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        grace = pod(deployment).get("terminationGracePeriodSeconds", 30)
        if drain <= longest:
            yield f"{name} drains for {drain} s, and a call may take {longest} s"
        if grace < before.get("seconds", 0) + drain + 10:
            yield f"{name} has {grace} s to drain for {drain} s"


def a_door_waits_before_it_closes(world):
    """Where others than our channels come in, the cluster learns of the end before it comes."""
    for name, deployment in world.ours().items():
        waits = "preStop" in container(deployment).get("lifecycle", {})
        if waits != (name == "gateway"):
            yield f"{name} {'waits' if waits else 'does not wait'} before it drains"


def pods_may_nothing(world):
    """The restricted profile, and no token of the cluster."""
    for name, deployment in world.all("Deployment").items():
        spec, it = pod(deployment), container(deployment)
        whole, own = spec.get("securityContext", {}), it.get("securityContext", {})
        wanted = [
            (whole.get("runAsNonRoot"), True, "runAsNonRoot"),
            (0 < whole.get("runAsUser", 0), True, "runAsUser"),
            (whole.get("seccompProfile"), {"type": "RuntimeDefault"}, "seccompProfile"),
            (own.get("allowPrivilegeEscalation"), False, "allowPrivilegeEscalation"),
            (own.get("readOnlyRootFilesystem"), True, "readOnlyRootFilesystem"),
            (own.get("capabilities"), {"drop": ["ALL"]}, "capabilities"),
            (spec.get("automountServiceAccountToken"), False, "automountServiceAccountToken"),
            (spec.get("enableServiceLinks"), False, "enableServiceLinks"),
        ]
        for value, right, what in wanted:
            if value != right:
                yield f"{name}: {what} is {value}"
        for what in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(what):
                yield f"{name}: {what}"
        if any("hostPath" in volume for volume in spec.get("volumes", [])):
            yield f"{name} has a folder of its machine"


def pods_say_what_they_need(world):
    """Requests for scheduling, and a limit of memory."""
    for name, deployment in world.all("Deployment").items():
        resources = container(deployment).get("resources", {})
        for path in [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")]:
            if path[1] not in resources.get(path[0], {}):
                yield f"{name}: no {'.'.join(path)}"


def pods_have_accounts_of_their_own(world):
    """Which exist, and mount no token either."""
    for name, deployment in world.all("Deployment").items():
        account = world.one("ServiceAccount", pod(deployment).get("serviceAccountName"))
        if pod(deployment).get("serviceAccountName") != name or not account:
            yield f"{name} has no account of its own"
        elif account.get("automountServiceAccountToken") is not False:
            yield f"the account {name} mounts a token"


def selectors_select_their_own(world):
    """A Deployment, a budget: each selects the pods of one Deployment, its own."""
    for name, deployment in world.all("Deployment").items():
        if not selects(deployment["spec"]["selector"], labels(deployment)):
            yield f"the Deployment {name} does not select its pods"
    for name, budget in world.all("PodDisruptionBudget").items():
        selected = [
            it["metadata"]["name"]
            for it in world.all("Deployment").values()
            if selects(budget["spec"]["selector"], labels(it))
        ]
        if selected != [name] or budget["spec"].get("maxUnavailable") != 1:
            yield f"the PodDisruptionBudget {name} keeps {selected}"


def what_is_mounted_exists(world):
    """Each mount has a volume, and each volume's ConfigMap and Secret is there or promised."""
    made = {it["spec"]["secretName"] for it in world.all("Certificate").values()}
    secrets = made | set(world.all("Secret")) | set(world.promised)
    for name, deployment in world.all("Deployment").items():
        volumes = {it["name"]: it for it in pod(deployment).get("volumes", [])}
        for mount in container(deployment).get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{name} mounts {mount['name']}"
        for volume in volumes.values():
            sources = volume.get("projected", {}).get("sources", [volume])
            for source in sources:
                config = source.get("configMap", {}).get("name")
                secret = source.get("secret", {})
                secret = secret.get("name") or secret.get("secretName")
                if config and not world.one("ConfigMap", config):
                    yield f"{name} mounts the ConfigMap {config}"
                if secret and secret not in secrets:
                    yield f"{name} mounts the Secret {secret}"


def images_have_what_is_run(world):
    """The command is a program that the Dockerfile puts there, and so is the web app."""
    text = reality.image()
    folder = re.search(r"COPY --from=build \S+ (\S+)/\n", text).group(1)
    web = re.search(r"COPY --from=web \S+ (\S+)/\n", text).group(1)
    user = re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE).groups()
    for name, deployment in world.ours().items():
        if container(deployment)["command"] != [f"{folder}/{name}"]:
            yield f"{name} runs {container(deployment)['command']}"
        context = pod(deployment)["securityContext"]
        if (str(context["runAsUser"]), str(context["runAsGroup"])) != user:
            yield f"{name} runs as {context['runAsUser']}"
    if world.value("gateway", "WEB_ROOT") != web:
        yield f"the web app is at {web}"
    for name, deployment in world.all("Deployment").items():
        image = container(deployment)["image"]
        if ":" not in image.split("/")[-1] or image.endswith(":latest"):
            yield f"{name} runs any version of {image}"


def one_namespace_has_it_all(world):
    """All is in one namespace, which admits nothing but restricted pods."""
    [(name, namespace)] = world.all("Namespace").items()
    if namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
        yield f"{name} admits anything"
    for it in world.objects:
        if it["kind"] != "Namespace" and it["metadata"].get("namespace") != name:
            yield f"{it['kind']} {it['metadata']['name']} is elsewhere"


RULES = [
    every_service_has_all_it_needs,
    settings_are_those_that_services_know,
    settings_that_are_required_are_given,
    secrets_are_in_secrets_alone,
    a_setting_is_said_once,
    settings_are_mounted_where_they_are_read,
    ports_are_those_that_services_listen_on,
    services_lead_to_ports,
    callers_choose_among_pods,
    probes_ask_what_services_answer,
    there_is_time_to_drain,
    a_door_waits_before_it_closes,
    pods_may_nothing,
    pods_say_what_they_need,
    pods_have_accounts_of_their_own,
    selectors_select_their_own,
    what_is_mounted_exists,
    urls_lead_to_services,
    policies_are_the_call_graph,
    nothing_is_allowed_by_default,
    what_a_pod_uses_is_what_its_service_uses,
    the_internet_is_nothing_private,
    images_have_what_is_run,
    one_namespace_has_it_all,
    one_scaler_for_each_target,
    providers_come_from_nothing,
    keda_finds_and_believes_the_scaler,
]
