"""One mistake for each rule, and some for the schemas: each must be noticed."""

import rules
from world import container, labels, pod


class Breach:
    """What a mistake does to an overlay, and which rule is to notice it; none for the schemas."""

    def __init__(self, rule, overlay, change):
        self.rule, self.overlay, self.change = rule, overlay, change


ALL = []


def breaks(rule, overlay="production"):
    """Adds a mistake."""

    def add(change):
        ALL.append(Breach(rule, overlay, change))
        return change

    return add


def config(world, name):
    """The ConfigMap of a service."""
    [found] = [it for key, it in world.all("ConfigMap").items() if key.startswith(f"{name}-")]
    return found["data"]


def deployment(world, name):
    """A Deployment."""
    return world.one("Deployment", name)


def drop(world, kind, name):
    """Takes an object out."""
    world.objects.remove(world.one(kind, name))


@breaks(None)
def a_field_is_misspelt(world):
    deployment(world, "catalog")["spec"]["strategy"]["rollingUpdate"]["maxUnavailble"] = 0


@breaks(None)
def a_number_is_a_text(world):
    pod(deployment(world, "catalog"))["terminationGracePeriodSeconds"] = "45"


@breaks(None)
def a_field_of_keda_is_misspelt(world):
    world.one("ScaledObject", "provider-fal")["spec"]["minReplicas"] = 0


@breaks(None)
def the_metadata_of_a_trigger_is_a_number(world):
    world.one("ScaledObject", "provider-fal")["spec"]["triggers"][0]["metadata"][
        "runsPerReplica"
    ] = 64


@breaks(None)
def a_certificate_has_no_issuer(world):
    del world.one("Certificate", "compute-scaler")["spec"]["issuerRef"]


@breaks(rules.every_service_has_all_it_needs)
def a_service_has_no_budget(world):
    drop(world, "PodDisruptionBudget", "shooting")


@breaks(rules.settings_are_those_that_services_know)
def a_setting_is_misspelt(world):
    config(world, "gateway")["CATALOGUE_URL"] = "http://catalog:50051"


@breaks(rules.settings_that_are_required_are_given, "local")
def a_required_setting_is_missing(world):
    del config(world, "gateway")["MEDIA_URL"]


@breaks(rules.settings_that_are_required_are_given)
def a_secret_is_not_asked_for(world):
    world.promised = {**world.promised, "identity": ["DATABASE_URL", "SERVICE_KEY"]}


@breaks(rules.secrets_are_in_secrets_alone)
def a_secret_is_in_a_config_map(world):
    config(world, "delivery")["KEY_SECRET"] = "a secret that everybody may read, and long enough"


@breaks(rules.secrets_are_in_secrets_alone)
def a_secret_is_in_an_environment(world):
    container(deployment(world, "media"))["env"].append({"name": "S3_SECRET_KEY", "value": "x"})


@breaks(rules.a_setting_is_said_once)
def a_setting_is_said_twice(world):
    config(world, "catalog")["DRAIN_TIMEOUT"] = "40s"


@breaks(rules.settings_are_mounted_where_they_are_read)
def settings_are_mounted_elsewhere(world):
    container(deployment(world, "media"))["volumeMounts"][0]["mountPath"] = "/etc/settings"


@breaks(rules.ports_are_those_that_services_listen_on)
def a_service_listens_on_another_port(world):
    config(world, "catalog")["LISTEN_ADDR"] = "0.0.0.0:50052"


@breaks(rules.ports_are_those_that_services_listen_on)
def a_service_listens_to_itself_alone(world):
    config(world, "catalog")["LISTEN_ADDR"] = "127.0.0.1:50051"


@breaks(rules.services_lead_to_ports)
def a_service_leads_to_a_port_that_is_not_there(world):
    world.one("Service", "catalog")["spec"]["ports"][0]["targetPort"] = "http"


@breaks(rules.services_lead_to_ports)
def a_service_selects_nobody(world):
    world.one("Service", "catalog")["spec"]["selector"] = {"app": "catalog"}


@breaks(rules.callers_choose_among_pods)
def a_service_hides_its_pods(world):
    del world.one("Service", "catalog")["spec"]["clusterIP"]


@breaks(rules.probes_ask_what_services_answer)
def a_probe_asks_for_a_name_that_nobody_answers(world):
    container(deployment(world, "catalog"))["readinessProbe"]["grpc"]["service"] = "ready"


@breaks(rules.probes_ask_what_services_answer)
def there_is_no_probe(world):
    del container(deployment(world, "catalog"))["livenessProbe"]


@breaks(rules.there_is_time_to_drain)
def the_kill_comes_before_the_drain_ends(world):
    pod(deployment(world, "catalog"))["terminationGracePeriodSeconds"] = 40


@breaks(rules.there_is_time_to_drain)
def the_wait_before_the_drain_is_forgotten(world):
    pod(deployment(world, "gateway"))["terminationGracePeriodSeconds"] = 45


@breaks(rules.there_is_time_to_drain)
def a_call_may_outlast_the_drain(world):
    config(world, "catalog")["LONGEST_CALL"] = "1m"


@breaks(rules.a_door_waits_before_it_closes)
def the_door_closes_at_once(world):
    del container(deployment(world, "gateway"))["lifecycle"]


@breaks(rules.pods_may_nothing)
def a_pod_may_write_to_its_root(world):
    container(deployment(world, "catalog"))["securityContext"]["readOnlyRootFilesystem"] = False


@breaks(rules.pods_may_nothing, "local")
def a_store_runs_as_root(world):
    pod(deployment(world, "redis"))["securityContext"]["runAsUser"] = 0


@breaks(rules.pods_may_nothing)
def a_pod_has_the_cluster_s_token(world):
    pod(deployment(world, "catalog"))["automountServiceAccountToken"] = True


@breaks(rules.pods_say_what_they_need)
def a_pod_may_use_all_memory(world):
    del container(deployment(world, "media"))["resources"]["limits"]


@breaks(rules.pods_have_accounts_of_their_own)
def two_share_an_account(world):
    pod(deployment(world, "media"))["serviceAccountName"] = "catalog"


@breaks(rules.selectors_select_their_own)
def a_budget_keeps_another_s_pods(world):
    budget = world.one("PodDisruptionBudget", "catalog")
    budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] = "media"


@breaks(rules.what_is_mounted_exists)
def a_secret_does_not_exist(world):
    pod(deployment(world, "compute"))["volumes"].append(
        {"name": "x", "secret": {"secretName": "nowhere"}}
    )


@breaks(rules.urls_lead_to_services, "local")
def a_url_leads_nowhere(world):
    config(world, "provider-fal")["FAL_QUEUE_URL"] = "http://sandbx:7410/queue"


@breaks(rules.urls_lead_to_services)
def a_url_leads_to_a_wrong_port(world):
    config(world, "catalog")["MEDIA_URL"] = "http://media:50053"


@breaks(rules.urls_lead_to_services)
def a_url_leads_to_another_service(world):
    config(world, "catalog")["MEDIA_URL"] = "http://shooting:50051"


@breaks(rules.policies_are_the_call_graph)
def a_caller_is_not_let_in(world):
    policy = world.one("NetworkPolicy", "catalog")["spec"]["ingress"][0]["from"][0]
    policy["podSelector"]["matchExpressions"][0]["values"].remove("shooting")


@breaks(rules.policies_are_the_call_graph)
def a_caller_is_not_let_out(world):
    policy = world.one("NetworkPolicy", "shooting")["spec"]["egress"][0]["to"][0]
    policy["podSelector"]["matchExpressions"][0]["values"].remove("catalog")


@breaks(rules.policies_are_the_call_graph)
def somebody_is_let_in_without_a_reason(world):
    policy = world.one("NetworkPolicy", "media")["spec"]["ingress"][0]["from"][0]
    policy["podSelector"]["matchExpressions"][0]["values"].append("identity")


@breaks(rules.policies_are_the_call_graph)
def a_service_gains_a_callee_and_no_policy(world):
    config(world, "shooting")["MEDIA_URL"] = "http://media:50051"


@breaks(rules.policies_are_the_call_graph, "local")
def a_service_may_use_another_store(world):
    labels(deployment(world, "catalog"))["uses-store"] = "true"


@breaks(rules.policies_are_the_call_graph, "local")
def everybody_may_use_the_sandbox(world):
    for name, direction in [("to-sandbox", None), ("sandbox", "ingress")]:
        spec = world.one("NetworkPolicy", name)["spec"]
        everybody = {"matchLabels": {"app.kubernetes.io/part-of": "sartiq"}}
        if direction:
            spec["ingress"][0]["from"][0]["podSelector"] = everybody
        else:
            spec["podSelector"] = everybody


@breaks(rules.nothing_is_allowed_by_default)
def nothing_is_denied(world):
    drop(world, "NetworkPolicy", "deny-all")


@breaks(rules.nothing_is_allowed_by_default)
def names_cannot_be_looked_up(world):
    drop(world, "NetworkPolicy", "names")


@breaks(rules.what_a_pod_uses_is_what_its_service_uses)
def a_service_cannot_reach_its_database(world):
    del labels(deployment(world, "catalog"))["uses-postgres"]


@breaks(rules.what_a_pod_uses_is_what_its_service_uses)
def a_service_may_call_the_internet(world):
    labels(deployment(world, "identity"))["uses-internet"] = "true"


@breaks(rules.the_internet_is_nothing_private)
def the_internet_has_private_networks(world):
    block = world.one("NetworkPolicy", "internet")["spec"]["egress"][0]["to"][0]["ipBlock"]
    block["except"].remove("10.0.0.0/8")


@breaks(rules.images_have_what_is_run)
def a_program_is_not_in_the_image(world):
    container(deployment(world, "catalog"))["command"] = ["/catalog"]


@breaks(rules.images_have_what_is_run)
def an_image_is_any_version(world):
    container(deployment(world, "catalog"))["image"] = "sartiq:latest"


@breaks(rules.one_namespace_has_it_all)
def an_object_is_in_another_namespace(world):
    world.one("Service", "catalog")["metadata"]["namespace"] = "default"


@breaks(rules.one_scaler_for_each_target)
def a_number_fights_with_a_scaler(world):
    deployment(world, "provider-fal")["spec"]["replicas"] = 1


@breaks(rules.one_scaler_for_each_target)
def two_scale_the_same(world):
    hpa = world.one("HorizontalPodAutoscaler", "gateway")
    hpa["spec"]["scaleTargetRef"]["name"] = "provider-fal"


@breaks(rules.providers_come_from_nothing)
def an_adapter_is_scaled_by_another_s_work(world):
    trigger = world.one("ScaledObject", "provider-fal")["spec"]["triggers"][0]
    trigger["metadata"]["provider"] = "acme"


@breaks(rules.providers_come_from_nothing)
def an_adapter_is_only_asked_for_by_polling(world):
    world.one("ScaledObject", "provider-fal")["spec"]["triggers"][0]["type"] = "external"


@breaks(rules.keda_finds_and_believes_the_scaler)
def the_scaler_is_at_another_port(world):
    trigger = world.one("ScaledObject", "provider-fal")["spec"]["triggers"][0]
    trigger["metadata"]["scalerAddress"] = "compute-scaler.sartiq.svc.cluster.local:50051"


@breaks(rules.keda_finds_and_believes_the_scaler)
def the_scaler_is_open_to_the_whole_namespace(world):
    spec = world.one("NetworkPolicy", "compute-scaler")["spec"]
    del spec["ingress"][0]["from"][0]["podSelector"]


@breaks(rules.keda_finds_and_believes_the_scaler)
def the_certificate_is_for_another_name(world):
    world.one("Certificate", "compute-scaler")["spec"]["dnsNames"] = ["compute-scaler"]


@breaks(rules.keda_finds_and_believes_the_scaler)
def the_scaler_asks_for_no_certificate(world):
    del config(world, "compute")["SCALER_CLIENT_CA"]
