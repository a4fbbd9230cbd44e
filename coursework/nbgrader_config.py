"""nbgrader's settings for the assignments, read by `make coursework`, by grade.py and by nbgrader's own commands."""

import asyncio
import contextlib
import html
import re
import secrets
import time

import psutil
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader import utils
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    Execute,
    GetGrades,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from traitlets import Float, Integer

c = get_config()  # type: ignore[name-defined]  # nbgrader gives it


def seconds_of(process):
    """Processor seconds of a process and of all that it started, as far as that can be known."""
    used = 0.0
    with contextlib.suppress(psutil.Error):
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                used += sum(one.cpu_times()[:4])
    return used


class Run(Execute):
    """Runs a submission, and says at each cell that was stopped or never ran what happened.

    Limits count processor time of the kernel and of what it starts, so that marks are the same on a busy machine; only
    what hangs meets a limit by the clock. A cell over its limit is interrupted, and the next one runs. A kernel that
    does not heed that is killed when the notebook is over its limit. What ran until then counts.

    A notebook can make IPython drop the `assert` statements of later cells. So after each test a false assertion is
    tried, and the test fails if that raises nothing. A fresh number is in it, so that no cell can know it beforehand.
    """

    cell_seconds = Float(30, help="processor seconds of one cell").tag(config=True)
    notebook_seconds = Float(120, help="processor seconds of a notebook").tag(config=True)
    most_shown = Integer(2_000_000, help="characters of what one cell shows").tag(config=True)
    hang = Float(1800, help="seconds by the clock of a notebook").tag(config=True)

    def preprocess(self, nb, resources, km=None):
        self.ended = self.interrupted = ""
        self.begun = time.monotonic()
        self.used = 0.0
        for cell in nb.cells:
            cell.metadata.pop("mindgap", None)
        nb, resources = super().preprocess(nb, resources, km=km)
        nb.metadata["mindgap_seconds"] = self.used
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        self.shown = 0
        if cell.cell_type != "code":
            return cell, resources
        if index == min(i for i, other in enumerate(self.nb.cells) if other.cell_type == "code"):
            # `exit()` would end the kernel a moment later, after as many cells as the machine can run until then.
            self.run_alone("get_ipython().ask_exit = lambda: None", index)
        if not self.ended and cell.source.strip():
            try:
                run_sync(self.watched)(cell, index)
            except DeadKernelError:
                self.ended = self.ended or f"the kernel died in {self.name(cell, index)}"
            except CellTimeoutError:
                self.ended = f"{self.name(cell, index)} hung"
            if self.ended or self.interrupted:
                self.say(cell, self.ended or self.interrupted)
        elif self.ended:
            self.say(cell, f"did not run: {self.ended}")
        if utils.is_grade(cell) and not utils.is_solution(cell) and not self.ended:
            trial = self.run_alone(f"assert {secrets.randbits(64)} < 0", index)
            if not any(output.get("ename") == "AssertionError" for output in trial.outputs):
                message = "before this test, `assert False` was made to raise nothing; it cannot be trusted"
                cell.outputs.append(new_output("error", ename="AssertionError", evalue=message, traceback=[message]))
        return cell, resources

    def output(self, outs, msg, display_id, cell_index):
        """Keep what a cell shows, up to a size that pages and memory can hold."""
        content, left = msg["content"], self.most_shown - self.shown
        self.shown += len(str(content))
        if self.shown <= self.most_shown:
            return super().output(outs, msg, display_id, cell_index)
        if left > 0:
            text = f"{content.get('text', '')[:left]}\n[cut after {self.most_shown:,} characters]\n"
            outs.append(new_output("stream", name="stdout", text=text))
        return None

    def run_alone(self, source, index):
        """Run a cell that is not in the notebook."""
        cell, there, self.shown = new_code_cell(source), self.nb.cells[index], 0
        with contextlib.suppress(DeadKernelError, CellTimeoutError):
            self.execute_cell(cell, index, store_history=False)
        self.nb.cells[index] = there  # nbclient puts in what it ran
        return cell

    async def watched(self, cell, index):
        self.interrupted = ""
        watching = asyncio.ensure_future(self.watch(self.name(cell, index)))
        try:
            await self.async_execute_cell(cell, index, store_history=True)
        finally:
            watching.cancel()
            with contextlib.suppress(psutil.Error):
                self.used = max(self.used, seconds_of(psutil.Process(self.km.provisioner.pid)))

    async def watch(self, name):
        """Interrupt the cell that runs, or end its kernel, when it has used up its time."""
        kernel = psutil.Process(self.km.provisioner.pid)
        before = seconds_of(kernel)
        while True:
            await asyncio.sleep(0.2)
            used = seconds_of(kernel)
            if used > self.notebook_seconds or time.monotonic() - self.begun > self.hang:
                limit = f"{self.notebook_seconds:g} s of processor time"
                limit = limit if used > self.notebook_seconds else f"{self.hang:g} s in which it hung"
                self.ended = f"the notebook was stopped after {limit}, in {name}"
                kernel.kill()
                return
            if used - before > self.cell_seconds:
                before = used  # to interrupt it once more if it makes light of that
                self.interrupted = f"interrupted after {self.cell_seconds:g} s of processor time"
                await ensure_async(self.km.interrupt_kernel())

    @staticmethod
    def name(cell, index):
        return cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {index + 1}"

    @staticmethod
    def say(cell, what):
        """Note what happened to a cell; a test fails by it."""
        cell.metadata["mindgap"] = what
        cell.outputs.append(new_output("error", ename="NotFinished", evalue=what, traceback=[f"Not finished: {what}."]))


class AllOrNothing(NbGraderPreprocessor):
    """A test cell earns its points unless it raised, whatever it displays.

    nbgrader takes a displayed number for part of the points, even in front of an error, and anything written to
    stderr, a warning of a library for one, for a failure.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell):
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.output_type = "display_data"
                    output.pop("execution_count", None)
                elif output.get("name") == "stderr":
                    output.name = "stdout"
        return cell, resources


class Pictures(NbGraderPreprocessor):
    """Draws each chart as a picture, which a page of feedback and the formgrader show; they cannot draw Vega-Lite."""

    def preprocess_cell(self, cell, resources, cell_index):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            spec = next((data[kind] for kind in data if kind.startswith("application/vnd.vegalite.")), None)
            if spec is not None:
                data.pop("text/html", None)  # what would fetch a script from elsewhere
                with contextlib.suppress(ImportError, ValueError, TypeError):  # it is shown in words, then
                    import vl_convert

                    data["image/svg+xml"] = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        return cell, resources


class Grades(GetGrades):
    """Puts marks and comments into a page of feedback; a part that a person has still to mark says so, and not 0."""

    def preprocess(self, nb, resources):
        self.waiting: list[str] = []
        nb, resources = super().preprocess(nb, resources)
        if self.waiting:
            parts = f"**{', '.join(self.waiting)}: not marked yet**; until a person has, this page counts 0 for it."
            nb.cells.insert(0, new_markdown_cell(parts))
        return nb, resources

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        name = cell.metadata.nbgrader["grade_id"]
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        if utils.is_solution(cell) and grade.auto_score is None and grade.manual_score is None:
            self.waiting.append(name)
            cell.metadata.nbgrader["comment"] = cell.metadata.nbgrader.get("comment") or "Not marked yet."


COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class HideTests(NbGraderPreprocessor):
    """Takes the hidden tests out of a page of feedback, and the traceback that would quote them.

    What the error says stays, and so do the tracebacks of all other cells. What was mended or stopped stands on top.
    """

    region = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS.*?(?:### END HIDDEN TESTS[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)

    def preprocess(self, nb, resources):
        code = [cell.source for cell in nb.cells if cell.cell_type == "code"]
        hidden = {
            line.strip() for source in code for found in self.region.findall(source) for line in found.splitlines()
        }
        seen = {line.strip() for source in code for line in self.region.sub("", source).splitlines()}
        self.secret = {line for line in hidden - seen if len(line) >= 12}
        nb, resources = super().preprocess(nb, resources)
        notes = list(nb.metadata.get("mindgap", []))
        for index, cell in enumerate(nb.cells):
            if what := cell.metadata.get("mindgap"):
                notes.append(f"{Run.name(cell, index)}: {what}")
        if notes:
            lines = ["**What happened when this notebook was graded**", *notes]
            nb.cells.insert(0, new_markdown_cell("\n\n- ".join(lines)))
        return nb, resources

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            cell.source, found = self.region.subn("# More tests ran here.", cell.source)
            for output in cell.outputs:
                if found and output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
                for holder in (output, output.get("data", {})):
                    for kind, text in holder.items():
                        if isinstance(text, str):
                            holder[kind] = self.redacted(text)
                if "traceback" in output:
                    output.traceback = [self.redacted(part) for part in output.traceback]
        return cell, resources

    def redacted(self, text):
        """The text without lines that repeat one of a hidden test."""

        def tells(line):
            plain = html.unescape(COLOUR.sub("", line))
            return any(secret in plain for secret in self.secret)

        return "".join("[a line of the tests]\n" if tells(line) else line for line in text.splitlines(keepends=True))


c.CourseDirectory.course_id = "mindgap"

# What the student finds where the solution was.
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write this")'}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"

# These are seconds by the clock, for what hangs; a right notebook on a slow and busy machine is far from them.
c.Execute.timeout = 600
c.Execute.iopub_timeout = 120
c.Execute.startup_timeout = 600  # that a kernel starts late is no fault of a submission
c.LimitOutput.max_lines = 500
c.LimitOutput.max_traceback = 50

c.Autograde.autograde_preprocessors = [
    Run,
    Pictures,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    AllOrNothing,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]

# The autograded notebook, from which a page of feedback is made, holds the hidden tests and their seed.
c.GenerateFeedback.preprocessors = [Grades, HideTests, CSSHTMLHeaderPreprocessor]
