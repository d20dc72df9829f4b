"""`newsflow-worker` asks the runner for the job's options, and says what it is when started by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
from google.protobuf import json_format

from newsflow.runners import worker


class Provision(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    asked_by: str = ""

    def GetProvisionInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        type(self).asked_by = dict(context.invocation_metadata())["worker_id"]
        info = beam_provision_api_pb2.ProvisionInfo(runner_capabilities=["one", "two"])
        info.control_endpoint.url = "127.0.0.1:2"
        json_format.ParseDict({"beam:option:streaming:v1": True}, info.pipeline_options)
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)


def test_the_worker_is_told_its_options_and_endpoints() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(Provision(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    arguments = Namespace(
        id="w-1", provision_endpoint=f"127.0.0.1:{port}", logging_endpoint="127.0.0.1:1", control_endpoint=""
    )
    try:
        environ = worker._worker_environment(arguments, worker._provision_info(arguments))
    finally:
        server.stop(0).wait()
    assert Provision.asked_by == environ["WORKER_ID"] == "w-1"
    assert json.loads(environ["PIPELINE_OPTIONS"]) == {"beam:option:streaming:v1": True}
    assert environ["LOGGING_API_SERVICE_DESCRIPTOR"] == 'url: "127.0.0.1:1"'
    assert environ["CONTROL_API_SERVICE_DESCRIPTOR"] == 'url: "127.0.0.1:2"'
    assert environ["RUNNER_CAPABILITIES"] == "one two"
    assert "STATUS_API_SERVICE_DESCRIPTOR" not in environ


def test_by_hand_it_says_what_it_is() -> None:
    command = [sys.executable, "-m", "newsflow.runners.worker"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--pool PORT" in done.stderr
