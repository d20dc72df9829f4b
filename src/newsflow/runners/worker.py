"""`newsflow-worker`: the Python process that a runner starts to run newsflow's stages in.

Beam's own boot program, in Go, fetches the job's artifacts and installs them; here newsflow is installed already, in
the same release as on the machine that submits. So it only asks the runner for the job's options and becomes Beam's
worker. With `--pool` it listens instead and starts such workers when asked: for runners that cannot start processes
where newsflow is installed (the environment EXTERNAL).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import Any

ASK_S = 60


def main() -> None:
    """Become a worker, or serve a pool of them."""
    arguments, _ = _parser().parse_known_args()
    if arguments.pool:
        serve_pool(arguments.pool)
    else:
        become_worker(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="newsflow-worker",
        description="Runs newsflow's stages for a Beam runner. Started by the runner, with --id and endpoints; or as a "
        "pool that starts such workers when asked.",
    )
    parser.add_argument("--pool", metavar="PORT", type=int, help="listen on PORT and start workers when asked")
    for name in ("id", "logging_endpoint", "artifact_endpoint", "provision_endpoint", "control_endpoint"):
        parser.add_argument(f"--{name}", default="", help=argparse.SUPPRESS)
    return parser


def become_worker(arguments: argparse.Namespace) -> None:
    """Ask the provision endpoint for the job's options and run Beam's worker in this process's place."""
    if not arguments.id or not arguments.provision_endpoint:
        sys.exit("newsflow-worker is started by a runner, with --id and --provision_endpoint; by hand: --pool PORT")
    os.environ.update(_worker_environment(arguments, _provision_info(arguments)))
    # Beam starts dozens of threads. The C library would give eight heaps a processor to them, and each keeps for good
    # what it once needed; the C library reads this when the new program starts.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    # A pool never reads what its workers write to their standard output; a full pipe would stop them.
    os.dup2(2, 1)
    os.execv(sys.executable, [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"])


def _provision_info(arguments: argparse.Namespace) -> Any:
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc

    with grpc.insecure_channel(arguments.provision_endpoint) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        return stub.GetProvisionInfo(request, metadata=(("worker_id", arguments.id),), timeout=ASK_S).info


def _worker_environment(arguments: argparse.Namespace, info: Any) -> dict[str, str]:
    """The variables in which Beam's worker looks for its endpoints and options."""
    from google.protobuf import json_format

    environ = {
        "WORKER_ID": arguments.id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    for name, provided, given in (
        ("LOGGING", info.logging_endpoint.url, arguments.logging_endpoint),
        ("CONTROL", info.control_endpoint.url, arguments.control_endpoint),
        ("STATUS", info.status_endpoint.url, ""),
    ):
        if provided or given:
            environ[f"{name}_API_SERVICE_DESCRIPTOR"] = f'url: "{provided or given}"'
    return environ


def serve_pool(port: int) -> None:
    """Start workers whenever a runner asks, until SIGINT or SIGTERM; they end with the pool."""
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

    address, server = BeamFnExternalWorkerPoolServicer.start(
        use_process=True, port=port, container_executable=sys.argv[0]
    )
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    print(f"newsflow-worker: a pool at {address}", file=sys.stderr, flush=True)
    asked_to_stop.wait()
    server.stop(1).wait()


if __name__ == "__main__":
    main()
