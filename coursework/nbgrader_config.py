"""nbgrader's settings for the assignments, read by `make coursework`, by grade.py and by nbgrader's own commands."""

import re
import secrets

from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbformat.v4 import new_code_cell, new_output
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

c = get_config()  # type: ignore[name-defined]  # nbgrader gives it


class AssertsHold(Execute):
    """Runs a submission, and fails every test in it if a false assertion no longer raises at its end.

    A notebook can make IPython drop the `assert` statements of later cells. The assertion that is tried here has a
    fresh number in it, so that no cell can know it beforehand.
    """

    def preprocess(self, nb, resources, km=None):
        trial = new_code_cell(f"assert {secrets.randbits(64)} < 0")
        nb.cells.append(trial)
        nb, resources = super().preprocess(nb, resources, km=km)
        trial = nb.cells.pop()
        if not any(output.get("ename") == "AssertionError" for output in trial.outputs):
            for cell in nb.cells:
                if utils.is_grade(cell) and cell.cell_type == "code":
                    message = "after this notebook, `assert False` raises nothing; its tests cannot be trusted"
                    cell.outputs.append(
                        new_output("error", ename="AssertionError", evalue=message, traceback=[message])
                    )
        return nb, resources


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


class HideTests(NbGraderPreprocessor):
    """Takes the hidden tests out of a page of feedback, and the traceback that would quote them.

    What the error says stays, and so do the tracebacks of all other cells.
    """

    region = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS.*?(?:### END HIDDEN TESTS[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            cell.source, found = self.region.subn("# More tests ran here.", cell.source)
            for output in cell.outputs:
                if found and output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


c.CourseDirectory.course_id = "mindgap"

# What the student finds where the solution was.
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write this")'}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"

# A cell may think for half a minute, then it is interrupted and the next one runs.
c.Execute.timeout = 30
c.Execute.iopub_timeout = 30  # seconds; short ones crash on a busy machine
c.Execute.startup_timeout = 600  # that a kernel starts late is no fault of a submission
c.LimitOutput.max_lines = 500
c.LimitOutput.max_traceback = 50

c.Autograde.autograde_preprocessors = [
    AssertsHold,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    AllOrNothing,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]

# The autograded notebook, from which a page of feedback is made, holds the hidden tests and their seed.
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]
