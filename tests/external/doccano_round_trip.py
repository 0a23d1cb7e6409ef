"""Sends a dataset through a real doccano and counts what changed: a project with overlapping spans, one with relations.

    python tests/external/doccano_round_trip.py datasets/escalation

It needs the network for pip and a Python 3.10 (`--python PATH`), as doccano 1.8.4 asks for pandas below 2. The server listens on
127.0.0.1, keeps its data in a temporary folder and is ended by its process id. A third project, without "allow overlapping
spans", shows how many spans doccano drops; its stances may not come back as no_stance.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tests.external.servers import Client, changes, form, free_port, started, until, venv

PINNED = ("doccano==1.8.4", "setuptools<81", "marshmallow<4", "numpy<2", "scikit-learn<1.5")
"""doccano does not limit these itself, and does not start with newer ones."""
PASSWORD = "a-password-1"
PROJECTS = (
    {"allow_overlapping": True},
    {"allow_overlapping": True, "use_relation": True},
    {"allow_overlapping": False},
)


def main(dataset: str, python: str = "python3.10") -> int:
    """The number of gold stances that changed where spans may overlap, as an exit status."""
    from harness.data.convert import export_dataset, import_file

    changed = 0
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        own = venv(folder / "venv", *PINNED, python=python)
        export_dataset("doccano", Path(dataset), folder / "lines.jsonl", {})
        backend = next((folder / "venv").glob("lib/python*/site-packages/backend"))
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder}/doccano.db",
            "DOCCANO_HOME": name,
            "MEDIA_ROOT": f"{folder}/media",
            "STANDALONE": "True",
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "PYTHONPATH": str(backend),
        }
        doccano = [str(own.with_name("doccano"))]
        subprocess.run([*doccano, "init"], env=environment, check=True, capture_output=True)
        subprocess.run(
            [*doccano, "createuser", "--username", "ada", "--password", PASSWORD], env=environment, check=True
        )
        # its own `webserver` listens on every address
        web = [str(own.with_name("gunicorn")), "--bind", f"127.0.0.1:{port}", "--chdir", str(backend), "config.wsgi"]
        queue = [str(own.with_name("celery")), "--app=config", f"--workdir={backend}", "worker", "--pool=solo"]
        client = Client(f"http://127.0.0.1:{port}", {})
        with started(queue, environment), started(web, environment, client, "/v1/health/"):
            client.json("POST", "/v1/auth/login/", {"username": "ada", "password": PASSWORD})
            for number, options in enumerate(PROJECTS):
                back = folder / f"back-{number}.jsonl"
                back.write_bytes(through(client, (folder / "lines.jsonl").read_bytes(), options))
                imported = import_file("doccano", back, folder / f"back-{number}", {})
                print(options, f"{sum(loss.count for loss in imported.losses)} losses")
                n = changes(Path(dataset), folder / f"back-{number}")
                changed += n if options["allow_overlapping"] else 0
    return changed


def through(client: Client, content: bytes, options: dict[str, bool]) -> bytes:
    """The lines as a new project exports them after their import."""
    about = {
        "name": "Round trip",
        "description": "-",
        "guideline": "",
        "random_order": False,
        "collaborative_annotation": False,
    }
    kind = {"project_type": "SequenceLabeling", "resourcetype": "SequenceLabelingProject", "tags": []}
    project = client.json("POST", "/v1/projects", {**about, **kind, **options})["id"]
    body, content_type = form("filepond", "lines.jsonl", content)
    upload = client.bytes("POST", "/v1/fp/process/", body, content_type).decode()
    task = "RelationExtraction" if options.get("use_relation") else "SequenceLabeling"
    columns = {"column_data": "text", "column_label": "label", "encoding": "utf_8", "task": task}
    job = client.json("POST", f"/v1/projects/{project}/upload", {"format": "JSONL", "uploadIds": [upload], **columns})
    print(until(lambda: finished(client, job["task_id"])))
    job = client.json("POST", f"/v1/projects/{project}/download", {"format": "JSONL", "exportApproved": False})
    until(lambda: finished(client, job["task_id"]))
    archive = client.bytes("GET", f"/v1/projects/{project}/download?taskId={job['task_id']}")
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return files.read("ada.jsonl")


def finished(client: Client, job: str) -> Any:
    """The state of a background job once it has ended."""
    state = client.json("GET", f"/v1/tasks/status/{job}")
    return state if state["ready"] else None


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
