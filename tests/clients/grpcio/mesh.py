"""The mesh as a client without generated code sees it."""

import os
import time
import urllib.error
import urllib.request
import uuid

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)


class Mesh:
    """Calls RPCs by their names, with messages as dictionaries."""

    def __init__(self, url):
        self.channel = grpc.insecure_channel(url.removeprefix("http://"))
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)
        self.token = None

    def services(self):
        """The names of all services."""
        return sorted(self.database.get_services())

    def _method(self, service, method):
        descriptor = self.pool.FindServiceByName(service).methods_by_name[method]
        request = message_factory.GetMessageClass(descriptor.input_type)
        response = message_factory.GetMessageClass(descriptor.output_type)
        return f"/{service}/{method}", request, response

    def _metadata(self):
        return [("authorization", f"Bearer {self.token}")] if self.token else []

    def call(self, service, method, message=None, timeout=20):
        """Makes a unary call."""
        path, request, response = self._method(f"sartiq.{service}", method)
        stub = self.channel.unary_unary(
            path, request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )
        built = json_format.ParseDict(message or {}, request())
        answer = stub(built, timeout=timeout, metadata=self._metadata())
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def stream(self, service, method, message=None, timeout=None):
        """Makes a server-streaming call."""
        path, request, response = self._method(f"sartiq.{service}", method)
        stub = self.channel.unary_stream(
            path, request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )
        built = json_format.ParseDict(message or {}, request())
        for answer in stub(built, timeout=timeout, metadata=self._metadata()):
            yield json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def sign_in(self):
        """Signs in with the demo's account."""
        answer = self.call(
            "identity.v1.AuthService",
            "Login",
            {"email": os.environ["DEMO_EMAIL"], "password": os.environ["DEMO_PASSWORD"], "device": "grpcio"},
        )
        self.token = answer["tokens"]["access_token"]

    def upload(self, path, media_type="image/png"):
        """Uploads a file and answers its Media."""
        with open(path, "rb") as file:
            data = file.read()
        created = self.call(
            "media.v1.UploadService",
            "CreateUpload",
            {
                "request_id": request_id(),
                "filename": os.path.basename(path),
                "media_type": media_type,
                "size_bytes": str(len(data)),
            },
        )
        part = created["parts"][0]
        headers = {k: v for k, v in part.get("headers", {}).items() if k.lower() != "content-length"}
        put = urllib.request.Request(part["url"], data=data, method="PUT", headers=headers)
        urllib.request.urlopen(put, timeout=20).read()
        done = self.call(
            "media.v1.UploadService",
            "CompleteUpload",
            {"request_id": request_id(), "id": created["upload"]["id"]},
            timeout=30,
        )
        return done["media"]

    def shot(self, photo):
        """Makes a product of a photo, and a shooting with one shot of it."""
        media = self.upload(photo)
        name = f"grpcio {uuid.uuid4()}"
        product = self.call(
            "catalog.v1.ProductService",
            "CreateProduct",
            {
                "request_id": request_id(),
                "product": {"name": name, "photos": [{"slot": "SLOT_FRONT", "media_id": media["id"]}]},
            },
        )["product"]
        subject = self.call(
            "catalog.v1.SubjectService",
            "CreateSubject",
            {"request_id": request_id(), "subject": {"handle": f"p{uuid.uuid4().hex[:12]}", "name": "P"}},
        )["subject"]
        style = self.call(
            "catalog.v1.StyleService",
            "CreateStyle",
            {"request_id": request_id(), "style": {"name": name, "light": "daylight"}},
        )["style"]
        types = self.call("catalog.v1.ShotTypeService", "ListShotTypes")["shot_types"]
        shooting = self.call(
            "shooting.v1.ShootingService",
            "CreateShooting",
            {"request_id": request_id(), "shooting": {"name": name}},
        )["shooting"]
        look = {
            "product_id": product["id"],
            "subject_id": subject["id"],
            "style_id": style["id"],
            "shot_type_ids": [next(it["id"] for it in types if it.get("system"))],
        }
        created = self.call(
            "shooting.v1.LookService",
            "CreateLook",
            {"request_id": request_id(), "shooting_id": shooting["id"], "look": look},
        )
        return created["shots"][0]

    def start(self, shot, count=2):
        """Starts a generation and answers it."""
        request = {
            "request_id": request_id(),
            "generation": {"shot_id": shot["id"], "variant_count": count},
        }
        return self.call("generation.v1.GenerationService", "StartGeneration", request)["generation"]

    def generation(self, generation_id):
        """Reads a generation and its predictions."""
        return self.call("generation.v1.GenerationService", "GetGeneration", {"id": generation_id})


def request_id():
    """A fresh id that makes a retry safe."""
    return str(uuid.uuid4())


def eventually(probe, patience=90, pause=0.1):
    """Asks until the probe answers something true."""
    end = time.monotonic() + patience
    last = None
    while time.monotonic() < end:
        try:
            answer = probe()
            if answer:
                return answer
        except (grpc.RpcError, urllib.error.URLError, ConnectionError) as error:
            last = error
        time.sleep(pause)
    raise AssertionError(f"it did not happen within {patience} s ({last})")
