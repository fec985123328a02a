"""The notebooks of examples/ run from the first cell to the last, in a kernel of their own."""

import tempfile
from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.helpers.places import ROOT

EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_is_committed_with_the_outputs_of_one_run_from_top_to_bottom(path: Path) -> None:
    """For those who only read them."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


@pytest.fixture
def kernel_home(monkeypatch):
    """A folder for all that kernels write; its path is short, for the sockets in it."""
    with tempfile.TemporaryDirectory() as folder:
        for variable in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            monkeypatch.setenv(variable, folder)
        monkeypatch.delenv("MPLBACKEND", raising=False)
        yield folder


@pytest.mark.whole
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs(path: Path, tmp_path: Path, kernel_home: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(tmp_path)}})
    manager = client.create_kernel_manager()
    manager.transport, manager.ip = "ipc", f"{kernel_home}/kernel"  # no ports
    client.execute()  # raises, with the traceback, if a cell does
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    errors = [line for output in outputs if output.get("name") == "stderr" for line in output.text.splitlines()]
    notice = ("ipywidgets", "from .autonotebook import tqdm")  # of Ray's, and the line of code that it shows
    assert not [line for line in errors if line.strip() and not any(part in line for part in notice)]
    assert any("image/png" in output.get("data", {}) for output in outputs), "plots are shown"
    assert not list(tmp_path.iterdir()), "nothing is left behind"
