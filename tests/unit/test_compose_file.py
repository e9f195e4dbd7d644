"""What the compose file promises, read from the file itself: who shares a network, what is locked, what is pinned."""

import re
from pathlib import Path

import pytest
import yaml

DOCKER = Path("docker")
STACK = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = STACK["services"]
LAYERS = sorted(DOCKER.glob("compose*.yaml"))
KNOWN = dict(re.findall(r"^([A-Z_]+)=(.*)$", (DOCKER / ".env").read_text(), re.M))
RUNNING = {name for name, s in SERVICES.items() if "profiles" not in s and s.get("restart") != "no"}


def networks(name):
    return set(SERVICES[name].get("networks", ()))


def sharing(name):
    return {other for other in SERVICES if other != name and networks(other) & networks(name)}


def test_the_police_share_a_network_with_the_broker_and_with_who_watches_and_with_nobody_else():
    assert sharing("police") == {"kafka", "prometheus"}


def test_no_part_of_the_pipeline_reaches_what_watches_it_but_prometheus():
    parts = RUNNING - {"prometheus", "alertmanager", "grafana"}
    for watcher in ("alertmanager", "grafana"):
        assert not sharing(watcher) & parts
    for part in parts:
        assert all(STACK["networks"][network].get("internal") for network in networks(part)), part


def test_at_most_ten_containers_keep_running_within_three_gigabytes():
    assert len(RUNNING) <= 10
    limits = [SERVICES[name]["mem_limit"] for name in RUNNING]
    assert all(limit.endswith("m") for limit in limits)
    assert sum(int(limit[:-1]) for limit in limits) <= 3 * 1024


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_locked(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    assert "container_name" not in service, "it would forbid --scale"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert "healthcheck" in service or name not in RUNNING
    assert not [key for key in service.get("environment", ()) if "PASSWORD" in key or "SECRET" in key]


def test_the_load_test_is_locked_and_has_a_home_of_its_own():
    load = yaml.safe_load((DOCKER / "compose.load.yaml").read_text())["services"]["load"]
    assert (load["read_only"], load["cap_drop"], load["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert load["pids_limit"] > 0
    assert load["mem_limit"]
    assert load["volumes"][0] == "home-load:/var/lib/ringfence:ro"
    assert not [volume for volume in load["volumes"] if "master" in volume]


def test_a_folder_of_pictures_that_is_not_there_is_an_error_and_none_that_docker_makes():
    (pictures,) = yaml.safe_load((DOCKER / "compose.replay.yaml").read_text())["services"]["cameras"]["volumes"]
    assert (pictures["type"], pictures["read_only"], pictures["bind"]) == ("bind", True, {"create_host_path": False})


def test_a_quiet_quarter_of_an_hour_is_no_ill_health_where_pictures_are_replayed():
    replayed = yaml.safe_load((DOCKER / "compose.replay.yaml").read_text())["services"]["cameras"]["healthcheck"]
    *simulated, within = SERVICES["cameras"]["healthcheck"]["test"]
    assert (replayed["test"], within) == ([*simulated, "900"], "60")


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.name)
def test_nothing_is_mounted_from_this_machine_by_a_short_form_but_what_lies_here(path):
    for name, service in yaml.safe_load(path.read_text())["services"].items():
        for volume in service.get("volumes", ()):
            if isinstance(volume, str) and volume.startswith("."):
                assert (DOCKER / volume.split(":")[0]).exists(), (name, volume)


def test_images_are_pinned():
    images = {name: value for name, value in KNOWN.items() if name.endswith("_IMAGE")}
    assert len(images) == 6
    for name, value in images.items():
        assert re.search(r":[\w.-]*\d", value), f"{name} has no version"
        assert not value.endswith(":latest")


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.name)
def test_every_variable_of_a_layer_is_explained_in_the_env_file(path):
    used = set(re.findall(r"(?<!\$)\$\{(\w+)\}", path.read_text()))
    assert used <= set(KNOWN), used - set(KNOWN)


def test_every_setting_is_used():
    text = "".join(path.read_text() for path in LAYERS)
    assert [name for name in KNOWN if f"${{{name}}}" not in text] == []


def test_the_image_has_all_that_the_reader_looks_for_beside_its_model():
    copied, let_in = (DOCKER / "Dockerfile").read_text(), Path(".dockerignore").read_text()
    for name in ("ringfence_plates.onnx", "plate_config.yaml", "calibration.json"):
        assert Path("models", name).exists()
        assert f" models/{name} " in copied
        assert f"!models/{name}\n" in let_in
