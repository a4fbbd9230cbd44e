"""What runs in the process of one submission; imported there, and in the server that such processes are forked from.

A fresh kernel would spend most of its time on importing torch. So torch is imported in that server, each process forks
a child before it does anything else, and this child turns into the kernel when nbgrader asks for one. Where there is no
fork, kernels start in the usual way.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograding import KERNEL, STUDENT, convert

os.environ.update(KERNEL)  # before torch starts its threads, which no fork would inherit

import ipykernel.kernelapp
import jupyter_client.provisioning.local_provisioner as provisioner
import nbformat
import open_clip  # noqa: F401
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateFeedback

import mindgap.miniclip  # noqa: F401

start_process: Any = provisioner.launch_kernel  # type: ignore[attr-defined]


def main(folder: Path, name: str, feedback: bool, limits: Mapping[str, float] | None = None) -> None:
    """Autograde the submission in the scratch course `folder` and leave what came of it in result.json there.

    That holds its marks (None: a person has to mark it, or it did not run), in words what was stopped, and the seconds
    of processor time that all took, kernel included.
    """
    os.setpgid(0, 0)
    os.environ.update(KERNEL, IPYTHONDIR=str(folder / "ipython"), JUPYTER_RUNTIME_DIR=str(folder / "runtime"))
    os.environ.pop("PYTHONPATH", None)  # it only led the server here
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
    silence(folder / "process.txt")
    kernel = ForkedKernel() if hasattr(os, "fork") else None

    def launch(command: list[str], **options: Any) -> Any:
        process = kernel.start(command, **options) if kernel else start_process(command, **options)
        (folder / "kernel.pid").write_text(str(process.pid))
        return process

    provisioner.launch_kernel = launch  # type: ignore[attr-defined, assignment]
    convert(Autograde, folder, name, limits)
    marks: dict[str, float | None] = {}
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "mindgap") as book:
        for grade in book.find_submission_notebook(name, name, STUDENT).grades:
            marks[grade.name] = grade.auto_score
    graded = nbformat.read(folder / "autograded" / STUDENT / name / f"{name}.ipynb", as_version=4)
    notes = what_happened(graded, marks)
    if feedback:
        convert(GenerateFeedback, folder, name)
    found = {"marks": marks, "notes": notes, "seconds": sum(os.times()[:4])}
    (folder / "result.json").write_text(json.dumps(found))


def what_happened(graded: NotebookNode, marks: dict[str, float | None]) -> list[str]:
    """What was mended or stopped, in words; the marks of what did not run become None."""
    notes: list[str] = list(graded.metadata.get("mindgap", []))
    for number, cell in enumerate(graded.cells, start=1):
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {number}"
        what = cell.metadata.get("mindgap", "")
        if what.startswith("interrupted"):
            notes.append(f"{name} {what}")
        elif what:
            if (reason := what.removeprefix("did not run: ")) not in notes:
                notes.append(reason)
            if name in marks:
                marks[name] = None
    return notes


def silence(path: Path) -> None:
    """Everything this process and its kernel print goes to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    with open(path, "w") as file, open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


class ForkedKernel:
    """A child that waits for its connection file and then is an IPython kernel; looks like the Popen of one."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        self.returncode: int | None = None
        self.stdin = self.stdout = self.stderr = None
        # A group of its own, so that interrupting the kernel stops nothing else; set on both sides, whoever is first.
        with contextlib.suppress(OSError):
            os.setpgid(self.pid, self.pid)
        if self.pid == 0:
            os.close(writing)
            with open(reading, "rb") as pipe:
                order = pipe.read()
            with contextlib.suppress(BaseException):
                if order:
                    become_kernel(json.loads(order))
            os._exit(1)
        os.close(reading)
        self.writing = writing

    def start(
        self, command: list[str], env: Mapping[str, str] | None = None, cwd: str | None = None, **_: Any
    ) -> ForkedKernel:
        arguments = command[command.index("-f") :]
        with open(self.writing, "wb") as pipe:
            pipe.write(json.dumps({"arguments": arguments, "env": dict(env or {}), "cwd": cwd}).encode())
        return self

    def poll(self) -> int | None:
        if self.returncode is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def become_kernel(order: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"] or ".")
    sys.argv = ["ipykernel_launcher", *order["arguments"]]
    sys.path.insert(0, "")
    ipykernel.kernelapp.launch_new_instance()
