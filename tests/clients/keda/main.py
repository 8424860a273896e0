"""Plays KEDA: an adapter is held still while work is queued for it, and the scaler has to tell."""

import contextlib
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).parents[3]
PHOTO = ROOT / "tests/data/photos/coffee.png"
# Between the start of the demonstration, which signs in and uploads first, and its first task.
PATIENCE = 60


def generated(folder):
    """The client, made from KEDA's contract."""
    contract = ROOT / "proto/externalscaler"
    options = [f"-I{contract}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(["protoc", *options, "externalscaler.proto"]) != 0:
        raise RuntimeError("the contract does not compile")
    sys.path.insert(0, folder)
    import externalscaler_pb2
    import externalscaler_pb2_grpc

    return externalscaler_pb2, externalscaler_pb2_grpc


def soon(probe, seconds=PATIENCE):
    """Waits until a probe says yes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if probe():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@contextlib.contextmanager
def held(service):
    """Holds a service still: it is there and does nothing, as one that is not there."""
    pid = int((pathlib.Path(os.environ["DATA_DIR"]) / "run" / f"{service}.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Scaler:
    """What KEDA does with a scaler, for one ScaledObject."""

    def __init__(self, messages, services, channel):
        self.messages = messages
        self.stub = services.ExternalScalerStub(channel)
        self.object = self.reference(provider="fal", runsPerReplica="8")

    def reference(self, **metadata):
        """A ScaledObject with such metadata in its trigger."""
        return self.messages.ScaledObjectRef(
            name="provider-fal", namespace="sartiq", scalerMetadata=metadata
        )

    def is_active(self):
        """One poll: first the values, then whether there is a reason for any replica."""
        self.value()
        return self.stub.IsActive(self.object, timeout=5).result

    def value(self):
        """The value of the one metric."""
        request = self.messages.GetMetricsRequest(scaledObjectRef=self.object, metricName="runs")
        [value] = self.stub.GetMetrics(request, timeout=5).metricValues
        return value.metricValueFloat


def an_idle_adapter_is_not_wanted(scaler):
    """The mesh has just been seeded, which needs no adapter."""
    soon(lambda: not scaler.is_active())
    assert scaler.value() == 0


def specs_are_the_same_asked_and_streamed(scaler):
    """KEDA makes its HPA of the one and updates it by the other."""
    [asked] = scaler.stub.GetMetricSpec(scaler.object, timeout=5).metricSpecs
    assert (asked.metricName, asked.targetSize, asked.targetSizeFloat) == ("runs", 8, 8.0)
    stream = scaler.stub.StreamMetricSpec(scaler.object, timeout=30)
    [streamed] = next(stream).metricSpecs
    stream.cancel()
    assert streamed == asked


def nonsense_is_refused(scaler):
    """A trigger with a typing error is not an adapter that nobody wants."""
    for object in (scaler.reference(), scaler.reference(provider="fall")):
        try:
            scaler.stub.IsActive(object, timeout=5)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        else:
            raise AssertionError("it was accepted")


def nothing_else_is_answered_there(scaler):
    """Whoever gets that far finds the scaler, and no service of ours."""
    path = "/sartiq.compute.v1.WorkflowService/ListWorkflows"
    call = scaler.channel.unary_unary(path, lambda it: it, lambda it: it)
    try:
        call(b"", timeout=5)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
    else:
        raise AssertionError("it was answered")


def queued_work_wakes_an_adapter_and_its_end_lets_it_go(scaler):
    """From nothing, by the stream; and back to nothing, by polling."""
    stream = scaler.stub.StreamIsActive(scaler.object, timeout=300)
    told = queue.Queue()

    def listen():
        with contextlib.suppress(grpc.RpcError):
            for answer in stream:
                told.put(answer.result)

    threading.Thread(target=listen, daemon=True).start()
    assert told.get(timeout=5) is False, "it is wanted before there is work"
    demo = ROOT / "target/debug/demo"
    with tempfile.TemporaryDirectory() as out:
        with held("provider-fal"):
            work = subprocess.Popen(
                [demo, "run", PHOTO, "--variants", "1", "--out", out],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            assert told.get(timeout=PATIENCE) is True
            assert 1 <= scaler.value()
            assert scaler.is_active()
        assert work.wait(timeout=240) == 0, "the demonstration failed"
    soon(lambda: not scaler.is_active())
    assert scaler.value() == 0
    stream.cancel()


CHECKS = [
    an_idle_adapter_is_not_wanted,
    specs_are_the_same_asked_and_streamed,
    nonsense_is_refused,
    nothing_else_is_answered_there,
    queued_work_wakes_an_adapter_and_its_end_lets_it_go,
]


def main():
    """Runs all checks."""
    passed = 0
    with tempfile.TemporaryDirectory() as folder:
        messages, services = generated(folder)
        with grpc.insecure_channel(os.environ["SCALER_URL"].removeprefix("http://")) as channel:
            scaler = Scaler(messages, services, channel)
            scaler.channel = channel
            for check in CHECKS:
                name = check.__name__.replace("_", " ")
                try:
                    check(scaler)
                    passed += 1
                    print(f"ok {name}", flush=True)
                except Exception:  # every failure is reported, whatever it is
                    print(f"not ok {name}", flush=True)
                    traceback.print_exc()
    print(f"{passed} passed, {len(CHECKS) - passed} failed")
    return 0 if passed == len(CHECKS) else 1


if __name__ == "__main__":
    sys.exit(main())
