"""Drives the vendor's official Python client against the sandbox.

Reads the sandbox's address from SANDBOX_URL and its key from SANDBOX_KEY. Exits with 1 if
anything is not as the client's users would expect.
"""

import asyncio
import json
import os
import struct
import sys
import tempfile
import time
import traceback
import urllib.request
import zlib

SANDBOX = os.environ.get("SANDBOX_URL", "http://127.0.0.1:7410").rstrip("/")
os.environ["FAL_KEY"] = os.environ.get("SANDBOX_KEY", "sandbox-key")

import fal_client  # noqa: E402  The key is read from the environment.
from fal_client import client as internals  # noqa: E402

# The client writes https:// before every host; these are looked up at each call.
internals.RUN_URL_FORMAT = f"{SANDBOX}/run/"
internals.QUEUE_URL_FORMAT = f"{SANDBOX}/queue/"
internals.REST_URL = f"{SANDBOX}/rest"
internals.CDN_URL = f"{SANDBOX}/cdn"

FLUX = "fal-ai/flux/dev"
EDIT = "fal-ai/flux-2-pro/edit"
SMALL = {"prompt": "a red coat", "seed": 7, "image_size": {"width": 128, "height": 192}}


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SANDBOX}/control/{path}", data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def spoil(operation, times=1, **fault):
    control("POST", "faults", {"match": {"operation": operation, "times": times}, "fault": fault})


def download(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def png(width, height, colour):
    """A picture of one colour with a frame, so that there is a background."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b""
    for y in range(height):
        rows += b"\0"
        for x in range(width):
            is_inside = width // 5 < x < width * 4 // 5 and height // 5 < y < height * 4 // 5
            rows += bytes(colour if is_inside else (245, 245, 245))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"nothing was raised, {kind.__name__} was expected")


def run():
    output = fal_client.run(FLUX, SMALL)
    assert output["seed"] == 7
    image = output["images"][0]
    assert (image["width"], image["height"]) == (128, 192)
    assert download(image["url"]).startswith(b"\xff\xd8\xff")


def subscribe():
    seen, ids = [], []
    output = fal_client.subscribe(
        FLUX,
        SMALL,
        with_logs=True,
        on_enqueue=ids.append,
        on_queue_update=seen.append,
    )
    assert output["images"] and len(ids) == 1
    assert isinstance(seen[-1], fal_client.Completed)
    assert seen[-1].metrics["inference_time"] > 0
    lines = [log["message"] for update in seen for log in getattr(update, "logs", None) or []]
    assert any("100%" in line for line in lines), lines
    assert fal_client.result(FLUX, ids[0]) == output


def submit_and_iterate():
    handle = fal_client.submit(FLUX, SMALL, hint="lane-1", priority="low")
    statuses = list(handle.iter_events(with_logs=True, interval=0.02))
    assert isinstance(statuses[-1], fal_client.Completed)
    assert handle.get()["seed"] == 7
    entries = control("GET", f"ledger?request_id={handle.request_id}")["entries"]
    kinds = [entry["kind"] for entry in entries]
    assert kinds == ["submitted", "started", "completed", "charged"], kinds
    assert entries[0]["client_reference"] == "lane-1"


def status_by_id():
    spoil("submit", kind="never_finishes")
    handle = fal_client.submit(EDIT, {"prompt": "p", "image_urls": [shirt()]})
    for _ in range(100):
        status = fal_client.status(EDIT, handle.request_id, with_logs=True)
        if isinstance(status, fal_client.InProgress) and status.logs:
            break
        time.sleep(0.02)
    assert isinstance(status, fal_client.InProgress), status
    fal_client.cancel(EDIT, handle.request_id)
    status = fal_client.status(EDIT, handle.request_id)
    assert isinstance(status, fal_client.Completed) and status.error_type == "client_cancelled"
    error = fails(fal_client.FalClientHTTPError, lambda: fal_client.result(EDIT, handle.request_id))
    assert error.status_code == 499


def cancel_at_time_limit():
    spoil("submit", kind="never_finishes")
    fails(
        fal_client.FalClientTimeoutError,
        lambda: fal_client.subscribe(FLUX, SMALL, client_timeout=2),
    )
    kinds = [entry["kind"] for entry in control("GET", "ledger")["entries"]]
    assert "cancelled" in kinds, kinds


def stream():
    events = list(fal_client.stream(FLUX, SMALL))
    assert len(events) > 2
    assert events[0]["progress"] >= 0
    assert events[-1]["images"][0]["width"] == 128


def shirt():
    return fal_client.encode(png(120, 160, (200, 30, 60)), "image/png")


def upload():
    data = png(64, 64, (10, 20, 200))
    assert download(fal_client.upload(data, "image/png", "blue.png")) == data
    assert download(fal_client.upload(data, "image/png", repository="fal")) == data
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(data)
        file.flush()
        url = fal_client.upload_file(file.name)
        assert download(url) == data
    output = fal_client.run(EDIT, {"prompt": "a model", "image_urls": [url]})
    assert output["images"][0]["url"]


def upload_falls_back():
    spoil("upload", kind="error", status=500)
    data = b"some bytes"
    fallback = ["fal"]
    url = fal_client.upload(data, "text/plain", repository="fal_v3", fallback_repository=fallback)
    assert download(url) == data


def upload_in_parts():
    threshold = internals.MULTIPART_THRESHOLD
    internals.MULTIPART_THRESHOLD = 25 * 1024 * 1024
    try:
        data = os.urandom(1024 * 1024) * 32
        url = fal_client.upload(data, "application/octet-stream", "large.bin")
        assert download(url) == data
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            file.write(data)
            file.flush()
            assert download(fal_client.upload_file(file.name)) == data
    finally:
        internals.MULTIPART_THRESHOLD = threshold


def errors():
    http = fal_client.FalClientHTTPError
    error = fails(http, lambda: fal_client.run("fal-ai/no-such-model", {}))
    assert error.status_code == 404 and "not found" in error.message
    error = fails(http, lambda: fal_client.run(FLUX, {"prompt": 7, "num_images": 9}))
    assert error.status_code == 422
    problems = error.response.json()["detail"]
    assert {problem["loc"][-1] for problem in problems} == {"prompt", "num_images"}, problems
    arguments = {"prompt": "p", "image_urls": [fal_client.encode(b"no picture", "image/png")]}
    error = fails(http, lambda: fal_client.subscribe(EDIT, arguments))
    assert (error.status_code, error.error_type) == (422, "image_load_error")
    stranger = fal_client.SyncClient(key="wrong")
    error = fails(http, lambda: stranger.run(FLUX, SMALL))
    assert error.status_code == 401 and "No user found" in error.message
    spoil("submit", kind="error", name="balance")
    error = fails(http, lambda: fal_client.submit(FLUX, SMALL))
    assert error.status_code == 403 and "Exhausted balance" in error.message
    spoil("submit", kind="fail_late")
    error = fails(http, lambda: fal_client.subscribe(FLUX, SMALL))
    assert (error.status_code, error.error_type) == (500, "internal_server_error")
    spoil("run", kind="error", name="runner_scheduling_failure")
    error = fails(http, lambda: fal_client.run(FLUX, SMALL))
    assert (error.status_code, error.error_type) == (503, "runner_scheduling_failure")


def retries():
    spoil("submit", times=2, kind="error", name="rate_limited")
    assert fal_client.subscribe(FLUX, SMALL)["images"]
    # A proxy's page is retried, the vendor's own 503 is not.
    spoil("submit", kind="html", status=503)
    assert fal_client.subscribe(FLUX, SMALL)["images"]
    # A lost answer is repeated too: without an idempotency key it is paid for twice.
    control("DELETE", "ledger")
    spoil("submit", kind="lost_answer")
    assert fal_client.subscribe(FLUX, SMALL)["images"]
    assert control("GET", "ledger")["totals"]["repeated_inputs"] == 1


def asynchronous():
    async def all_of_it():
        client = fal_client.AsyncClient()
        output = await client.subscribe(FLUX, SMALL, with_logs=True)
        assert output["seed"] == 7
        events = [event async for event in client.stream(FLUX, SMALL)]
        assert events[-1]["images"]
        url = await client.upload(b"bytes", "text/plain", "a.txt")
        assert download(url) == b"bytes"
        handle = await client.submit(FLUX, SMALL)
        assert (await handle.get())["images"]

    asyncio.run(all_of_it())


def main():
    checks = [
        run,
        subscribe,
        submit_and_iterate,
        status_by_id,
        cancel_at_time_limit,
        stream,
        upload,
        upload_falls_back,
        upload_in_parts,
        errors,
        retries,
        asynchronous,
    ]
    failed = 0
    for check in checks:
        control("POST", "reset")
        started = time.monotonic()
        try:
            check()
            print(f"ok {check.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED {check.__name__}", flush=True)
            traceback.print_exc()
    control("POST", "reset")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
