"""Finds the services by reflection, does the main job, and kills the engine in the middle of it."""

import json
import os
import pathlib
import signal
import sys
import traceback
import urllib.request

import grpc
from mesh import Mesh, eventually

PHOTO = pathlib.Path(__file__).parents[2] / "data" / "photos" / "coffee.png"
FINAL = ("STATE_COMPLETED", "STATE_FAILED", "STATE_CANCELLED")
counts = {"passed": 0, "failed": 0}


def check(work):
    """Runs one check; its name is a sentence."""
    name = work.__name__.replace("_", " ")
    try:
        work()
        counts["passed"] += 1
        print(f"ok {name}", flush=True)
    except Exception:  # every failure is reported, whatever it is
        counts["failed"] += 1
        print(f"not ok {name}", flush=True)
        traceback.print_exc()


def sandbox(path, body=None, method=None):
    """Talks to the sandbox's control."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(
        os.environ["SANDBOX_URL"] + path,
        data=data,
        method=method or ("POST" if body is not None else "GET"),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def submissions(after):
    """The submissions that the sandbox noted after an entry."""
    entries = sandbox(f"/control/ledger?after={after}")["entries"]
    return [it for it in entries if it["kind"] == "submitted"]


def charges(after):
    """The charges that the sandbox noted after an entry."""
    entries = sandbox(f"/control/ledger?after={after}")["entries"]
    return [it for it in entries if it["kind"] == "charged"]


def last_entry():
    """The number of the sandbox's last entry."""
    entries = sandbox("/control/ledger")["entries"]
    return entries[-1]["sequence"] if entries else 0


mesh = Mesh(os.environ["GATEWAY_URL"])


def attempts_are_stored(generation_id):
    """Tells whether compute has stored the vendor's handle of both pictures."""
    workflow_id = mesh.generation(generation_id)["generation"].get("workflow_id")
    if not workflow_id:
        return False
    result = mesh.call("compute.v1.WorkflowService", "GetWorkflowResult", {"id": workflow_id})
    handles = [
        attempt.get("vendor_job_id")
        for task in result["tasks"]
        for attempt in task.get("attempts", [])
        if task["node"].startswith("image_")
    ]
    return len(handles) == 2 and all(handles)


@check
def the_services_are_found_by_reflection():
    services = mesh.services()
    for package in ["identity", "media", "catalog", "shooting", "generation", "delivery", "compute", "event"]:
        assert any(it.startswith(f"sartiq.{package}.v1.") for it in services), package


@check
def signing_in_works():
    mesh.sign_in()
    assert mesh.call("identity.v1.UserService", "GetMe")["user"]["email"] == os.environ["DEMO_EMAIL"]


@check
def a_text_that_is_named_like_a_picture_is_refused():
    path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"sartiq-{os.getpid()}.png"
    path.write_text("this is no picture")
    try:
        mesh.upload(path)
        raise AssertionError("it was taken")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    finally:
        path.unlink()


@check
def a_generation_is_watched_to_its_end():
    generation = mesh.start(mesh.shot(PHOTO), 1)
    states = [
        it["generation"]["state"]
        for it in mesh.stream("generation.v1.GenerationService", "WatchGeneration", {"id": generation["id"]}, 90)
    ]
    assert states[-1] == "STATE_COMPLETED", states


@check
def a_cancelled_generation_is_cancelled_at_the_vendor():
    shot = mesh.shot(PHOTO)
    sandbox("/control/faults", {"match": {"operation": "submit"}, "fault": {"kind": "never_finishes"}})
    try:
        after = last_entry()
        generation = mesh.start(shot, 1)
        eventually(lambda: submissions(after))
        request = {"request_id": generation["id"], "id": generation["id"]}
        answer = mesh.call("generation.v1.GenerationService", "CancelGeneration", request)
        assert answer["generation"]["state"] == "STATE_CANCELLED"

        def cancelled():
            entries = sandbox(f"/control/ledger?after={after}")["entries"]
            return [it for it in entries if it["kind"] == "cancelled"]

        eventually(cancelled, patience=20)
        assert not charges(after)
    finally:
        sandbox("/control/faults", method="DELETE")


@check
def an_engine_killed_in_the_middle_submits_nothing_twice():
    folder = os.environ.get("DATA_DIR")
    assert folder, "DATA_DIR says where the processes are"
    shot = mesh.shot(PHOTO)
    # Slow enough to be killed in the middle of.
    sandbox(
        "/control/faults",
        {"match": {"operation": "submit"}, "fault": {"kind": "slow_work", "ms": 4000}},
    )
    try:
        after = last_entry()
        generation = mesh.start(shot, 2)
        eventually(lambda: len(submissions(after)) == 2, patience=30, pause=0.02)
        # Give the handle of the last submission the moment that it takes to be stored.
        eventually(lambda: attempts_are_stored(generation["id"]), patience=10, pause=0.02)
        pid = int(pathlib.Path(folder, "run", "compute.pid").read_text())
        os.kill(pid, signal.SIGKILL)
    finally:
        sandbox("/control/faults", method="DELETE")

    def ended():
        now = mesh.generation(generation["id"])
        return now if now["generation"]["state"] in FINAL else None

    now = eventually(ended, patience=90)
    assert now["generation"]["state"] == "STATE_COMPLETED", now["generation"]
    assert [it["state"] for it in now["predictions"]] == ["STATE_READY"] * 2
    # Two pictures and two that are finished: four submissions, each charged once.
    assert len(submissions(after)) == 4, submissions(after)
    assert len(charges(after)) == 4, charges(after)


print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(0 if counts["failed"] == 0 and counts["passed"] > 0 else 1)
