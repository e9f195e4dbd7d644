"""A schema registry on 127.0.0.1: Confluent's own mock behind the HTTP requests that a client makes."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry._sync.mock_schema_registry_client import MockSchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError


class Served:
    """The mock, its address, and every request that came: (method, path, Authorization)."""

    def __init__(self):
        self.mock = MockSchemaRegistryClient({"url": "mock://tests"})
        self.requests = []
        self.url = ""

    def versions(self, subject):
        """The versions under a subject; none if it is not there."""
        return sorted(self.mock.get_versions(subject)) if subject in self.mock.get_subjects() else []

    def answer(self, method, path, body):
        """What a registry answers: status and JSON."""
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["schemas", "ids", number]:
                return 200, {"schema": self.mock.get_schema(int(number)).schema_str}
            case ["subjects", subject]:
                found = self.mock.lookup_schema(subject, Schema(body["schema"], "AVRO"))
                return 200, {"subject": subject, "id": found.schema_id, "version": found.version}
            case ["subjects", subject, "versions"]:
                return 200, {"id": self.mock.register_schema(subject, Schema(body["schema"], "AVRO"))}
            case ["compatibility", "subjects", subject, "versions", "latest"] if self.versions(subject):
                latest = self.mock.get_latest_version(subject).schema.schema_str
                return 200, {"is_compatible": can_read(body["schema"], latest)}
        return 404, {"error_code": 40401, "message": f"{method} {path}: not found"}


def can_read(reader, writer):
    """Whether the one can read what the other wrote (BACKWARD), says avro's own checker."""
    verdict = ReaderWriterCompatibilityChecker().get_compatibility(parse(reader), parse(writer))
    return verdict.compatibility is SchemaCompatibilityType.compatible


def _handler(served):
    class Handler(BaseHTTPRequestHandler):
        def _do(self):
            served.requests.append((self.command, self.path, self.headers.get("Authorization")))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                status, answer = served.answer(self.command, self.path, json.loads(body or b"{}"))
            except SchemaRegistryError as error:
                status, answer = error.http_status_code, {"error_code": error.error_code, "message": "not found"}
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", data.decode())
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _do

        def log_message(self, *arguments):
            pass

    return Handler


@contextmanager
def serving(served=None, port=0):
    """Serves until the context ends."""
    served = served or Served()
    with ThreadingHTTPServer(("127.0.0.1", port), _handler(served)) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
