"""Checks an S3-compatible store with Amazon's own client, as a stranger would use it.

Environment: S3_ENDPOINT_URL, S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET. Exits 1 if anything fails.
"""

import base64
import hashlib
import http.client
import os
import sys
import time
import traceback
import urllib.parse
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["S3_ENDPOINT_URL"]
BUCKET = os.environ["S3_BUCKET"]
PREFIX = f"boto3-{uuid.uuid4()}/"


def client(access_key=None, secret_key=None):
    return boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        aws_access_key_id=access_key or os.environ["S3_ACCESS_KEY"],
        aws_secret_access_key=secret_key or os.environ["S3_SECRET_KEY"],
        region_name=os.environ.get("S3_REGION", "auto"),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"max_attempts": 1},
            connect_timeout=5,
            read_timeout=30,
        ),
    )


s3 = client()


def send(method, url, body=None, headers=None):
    """One request exactly as written: no client library that corrects it."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=30)
    path = parts.path + ("?" + parts.query if parts.query else "")
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    answer = response.status, dict((k.lower(), v) for k, v in response.getheaders()), response.read()
    connection.close()
    return answer


def equal(found, wanted):
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"


def refused(code, call):
    try:
        call()
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert error.response["Error"]["Code"] in code or str(status) in code, error
        return
    raise AssertionError(f"accepted, wanted {code}")


def what_is_put_comes_back():
    body = os.urandom(100_000)
    put = s3.put_object(
        Bucket=BUCKET, Key=PREFIX + "a.bin", Body=body, ContentType="image/png", Metadata={"shot": "7"}
    )
    equal(put["ETag"], f'"{hashlib.md5(body).hexdigest()}"')
    got = s3.get_object(Bucket=BUCKET, Key=PREFIX + "a.bin")
    equal(got["Body"].read(), body)
    equal(got["ContentType"], "image/png")
    equal(got["Metadata"], {"shot": "7"})
    head = s3.head_object(Bucket=BUCKET, Key=PREFIX + "a.bin")
    equal((head["ContentLength"], head["ETag"]), (len(body), put["ETag"]))
    equal(s3.get_object(Bucket=BUCKET, Key=PREFIX + "a.bin", Range="bytes=10-19")["Body"].read(), body[10:20])
    equal(s3.get_object(Bucket=BUCKET, Key=PREFIX + "a.bin", Range="bytes=-5")["Body"].read(), body[-5:])
    refused(["416", "InvalidRange"], lambda: s3.get_object(Bucket=BUCKET, Key=PREFIX + "a.bin", Range="bytes=100000-"))


def an_empty_object_is_an_object():
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "empty", Body=b"")
    equal(s3.get_object(Bucket=BUCKET, Key=PREFIX + "empty")["Body"].read(), b"")


def conditions_hold():
    key = PREFIX + "condition"
    etag = s3.put_object(Bucket=BUCKET, Key=key, Body=b"one", IfNoneMatch="*")["ETag"]
    refused(["412", "PreconditionFailed"], lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=b"two", IfNoneMatch="*"))
    refused(["304"], lambda: s3.get_object(Bucket=BUCKET, Key=key, IfNoneMatch=etag))
    refused(["412"], lambda: s3.get_object(Bucket=BUCKET, Key=key, IfMatch='"other"'))
    equal(s3.get_object(Bucket=BUCKET, Key=key, IfMatch=etag)["Body"].read(), b"one")


def a_body_with_a_wrong_sum_is_not_kept():
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    refused(["BadDigest"], lambda: s3.put_object(Bucket=BUCKET, Key=PREFIX + "wrong", Body=b"this", ContentMD5=wrong))
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    refused(
        ["BadDigest"],
        lambda: s3.put_object(Bucket=BUCKET, Key=PREFIX + "wrong", Body=b"this", ChecksumSHA256=wrong),
    )
    refused(["404", "NoSuchKey"], lambda: s3.head_object(Bucket=BUCKET, Key=PREFIX + "wrong"))


def checksums_are_kept():
    for algorithm in ["CRC32", "SHA256", "SHA1"]:
        s3.put_object(Bucket=BUCKET, Key=PREFIX + "sum", Body=b"summed", ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=BUCKET, Key=PREFIX + "sum", ChecksumMode="ENABLED")
        assert head.get(f"Checksum{algorithm}"), head


def lists_page_and_fold():
    names = sorted([f"list/{n:02}" for n in range(7)] + ["list/x/1", "list/x/2", "list/y z+%ä/1", "list"])
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=PREFIX + "l/" + name, Body=b"1")
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix=PREFIX + "l/", PaginationConfig={"PageSize": 3}
    ):
        found += [it["Key"] for it in page.get("Contents", [])]
    equal(found, [PREFIX + "l/" + name for name in names])
    folded = s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + "l/list/", Delimiter="/")
    equal(len(folded["Contents"]), 7)
    equal(
        [it["Prefix"] for it in folded["CommonPrefixes"]],
        [PREFIX + "l/list/x/", PREFIX + "l/list/y z+%ä/"],
    )
    found = []
    for page in s3.get_paginator("list_objects").paginate(
        Bucket=BUCKET, Prefix=PREFIX + "l/", PaginationConfig={"PageSize": 3}
    ):
        found += [it["Key"] for it in page.get("Contents", [])]
    equal(found, [PREFIX + "l/" + name for name in names])


def a_key_and_a_folder_may_share_a_name():
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "c", Body=b"file")
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "c/d", Body=b"below")
    equal(s3.get_object(Bucket=BUCKET, Key=PREFIX + "c")["Body"].read(), b"file")
    equal(s3.get_object(Bucket=BUCKET, Key=PREFIX + "c/d")["Body"].read(), b"below")


def long_keys_work():
    key = PREFIX + "k" * (1024 - len(PREFIX))
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"long")
    equal(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(), b"long")


def a_copy_is_its_own():
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "source", Body=b"copied", ContentType="image/jpeg", Metadata={"a": "1"})
    source = {"Bucket": BUCKET, "Key": PREFIX + "source"}
    s3.copy_object(Bucket=BUCKET, Key=PREFIX + "copy", CopySource=source)
    s3.copy_object(
        Bucket=BUCKET, Key=PREFIX + "new", CopySource=source, MetadataDirective="REPLACE",
        Metadata={"b": "2"}, ContentType="text/plain",
    )
    s3.delete_object(Bucket=BUCKET, Key=PREFIX + "source")
    got = s3.get_object(Bucket=BUCKET, Key=PREFIX + "copy")
    equal((got["Body"].read(), got["ContentType"], got["Metadata"]), (b"copied", "image/jpeg", {"a": "1"}))
    got = s3.get_object(Bucket=BUCKET, Key=PREFIX + "new")
    equal((got["Body"].read(), got["ContentType"], got["Metadata"]), (b"copied", "text/plain", {"b": "2"}))
    refused(
        ["NoSuchKey", "404"],
        lambda: s3.copy_object(Bucket=BUCKET, Key=PREFIX + "none", CopySource={"Bucket": BUCKET, "Key": PREFIX + "no"}),
    )
    # Onto itself, as tools do to change metadata.
    s3.copy_object(
        Bucket=BUCKET, Key=PREFIX + "copy", CopySource={"Bucket": BUCKET, "Key": PREFIX + "copy"},
        MetadataDirective="REPLACE", Metadata={"c": "3"},
    )
    got = s3.get_object(Bucket=BUCKET, Key=PREFIX + "copy")
    equal((got["Body"].read(), got["Metadata"]), (b"copied", {"c": "3"}))


def deletes_are_idempotent():
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "gone", Body=b"1")
    for _ in range(2):
        s3.delete_object(Bucket=BUCKET, Key=PREFIX + "gone")
    refused(["404", "NoSuchKey"], lambda: s3.get_object(Bucket=BUCKET, Key=PREFIX + "gone"))
    for name in ["m1", "m2"]:
        s3.put_object(Bucket=BUCKET, Key=PREFIX + name, Body=b"1")
    answer = s3.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": PREFIX + name} for name in ["m1", "m2", "m3"]]}
    )
    equal(len(answer["Deleted"]), 3)


def twenty_megabytes_go_in_parts():
    body = os.urandom(20 << 20)
    path = f"/tmp/{uuid.uuid4()}"
    with open(path, "wb") as file:
        file.write(body)
    try:
        s3.upload_file(path, BUCKET, PREFIX + "big", ExtraArgs={"ContentType": "video/mp4"})
    finally:
        os.remove(path)
    got = s3.get_object(Bucket=BUCKET, Key=PREFIX + "big")
    assert got["ETag"].rstrip('"').endswith("-3"), got["ETag"]
    equal(got["ContentType"], "video/mp4")
    equal(hashlib.sha256(got["Body"].read()).digest(), hashlib.sha256(body).digest())


def an_upload_by_hand_checks_its_parts():
    key = PREFIX + "parts"
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    part = {"Bucket": BUCKET, "Key": key, "UploadId": upload}
    first = s3.upload_part(PartNumber=1, Body=b"1" * (5 << 20), **part)["ETag"]
    second = s3.upload_part(PartNumber=2, Body=b"2", **part)["ETag"]
    equal([it["PartNumber"] for it in s3.list_parts(**part)["Parts"]], [1, 2])
    refused(
        ["InvalidPart"],
        lambda: s3.complete_multipart_upload(
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": second}]}, **part
        ),
    )
    refused(
        ["InvalidPartOrder"],
        lambda: s3.complete_multipart_upload(
            MultipartUpload={"Parts": [{"PartNumber": 2, "ETag": second}, {"PartNumber": 1, "ETag": first}]}, **part
        ),
    )
    s3.complete_multipart_upload(
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]}, **part
    )
    equal(s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"], (5 << 20) + 1)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)
    refused(["NoSuchUpload"], lambda: s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload))


def presigned_put(key, body, expires=60):
    return s3.generate_presigned_url(
        "put_object",
        Params={
            "Bucket": BUCKET, "Key": key, "ContentType": "image/png", "ContentLength": len(body),
        },
        ExpiresIn=expires,
    )


def a_presigned_put_takes_what_was_signed_and_nothing_else():
    key, body = PREFIX + "signed", b"p" * 1000
    url = presigned_put(key, body)
    type_ = {"Content-Type": "image/png"}
    equal(send("PUT", url, body + b"!", type_)[0], 403)
    equal(send("PUT", url, body[:-1], type_)[0], 403)
    equal(send("PUT", url, body, {"Content-Type": "text/html"})[0], 403)
    equal(send("PUT", url.replace("/signed", "/other"), body, type_)[0], 403)
    refused(["404", "NoSuchKey"], lambda: s3.head_object(Bucket=BUCKET, Key=key))
    status, headers, answer = send("PUT", url, body, {**type_, "Origin": "http://localhost:5173"})
    equal((status, headers.get("access-control-allow-origin")), (200, "*"))
    assert "etag" in headers["access-control-expose-headers"].lower(), headers
    equal(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(), body)


def a_browser_may_ask_first():
    url = presigned_put(PREFIX + "preflight", b"1")
    status, headers, _ = send(
        "OPTIONS", url, None,
        {
            "Origin": "http://localhost:5173",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    equal((status, headers.get("access-control-allow-origin")), (200, "*"))
    assert headers.get("access-control-allow-methods") in ("*", "PUT") or "PUT" in headers["access-control-allow-methods"]


def a_presigned_get_carries_a_file_name():
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "named", Body=b"named")
    url = s3.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": BUCKET, "Key": PREFIX + "named",
            "ResponseContentDisposition": 'attachment; filename="look.png"',
        },
        ExpiresIn=60,
    )
    status, headers, body = send("GET", url)
    equal((status, body), (200, b"named"))
    equal(headers["content-disposition"], 'attachment; filename="look.png"')


def a_presigned_url_expires():
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "brief", Body=b"1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": PREFIX + "brief"}, ExpiresIn=1)
    time.sleep(2.1)
    equal(send("GET", url)[0], 403)


def strangers_are_refused():
    url = f"{ENDPOINT}/{BUCKET}/{PREFIX}a.bin"
    equal(send("GET", url)[0], 403)
    equal(send("PUT", url, b"evil")[0], 403)
    refused(["403"], lambda: client(secret_key="wrong").list_objects_v2(Bucket=BUCKET))
    refused(["403"], lambda: client(access_key="nobody").list_objects_v2(Bucket=BUCKET))
    refused(["404"], lambda: s3.head_bucket(Bucket="no-such-bucket"))


def keys_that_are_paths_are_refused():
    for key in ["../evil", "a/../../evil", "a/./b", "a//b", "a\\..\\b"]:
        try:
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"evil")
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert 400 <= status < 500, (key, error)
        else:
            raise AssertionError(f"{key} was taken")


def main():
    checks = [
        check
        for name, check in list(globals().items())
        if callable(check) and "_" in name and name not in ("presigned_put",) and check.__module__ == "__main__"
    ]
    failed = 0
    for check in checks:
        try:
            check()
            print(f"ok    {check.__name__}")
        except Exception:
            failed += 1
            print(f"FAIL  {check.__name__}")
            traceback.print_exc()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX):
        for it in page.get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=it["Key"])
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
