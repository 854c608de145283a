"""The package as a whole: what importing it costs, what it promises, which way it imports."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stepconv
from stepconv.version import __version__

ROOT = Path(__file__).parent.parent
HEAVY = {"llvmlite", "numba", "numpy", "rich"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with `arguments`, English and without colour, in the root of the checkout."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"LANGUAGE": "en", "NO_COLOR": "1", "PYTHONUTF8": "1"} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a new process holds once it ran `code`."""
    report = "import sys; print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    result = run("-c", f"{code}\n{report}")
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = modules_after("import stepconv")
    assert "stepconv" in loaded
    assert not loaded & (HEAVY | {"typer"})


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["trace", "--help"]])
def test_help_and_version_load_no_numbers(arguments: list[str]) -> None:
    loaded = modules_after(
        f"import sys; sys.argv = ['stepconv', *{arguments}]\n"
        "from stepconv.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert "typer" in loaded
    assert not loaded & (HEAVY - {"rich"})


def test_a_shape_needs_no_compiler() -> None:
    loaded = modules_after(
        "import stepconv\nassert stepconv.output_shape((3, 64, 128), (32, 64, 4)) == (3, 32, 125)"
    )
    assert "numba" not in loaded


@pytest.mark.compiled
def test_compiled_kernels_are_kept_on_disk(tmp_path: Path) -> None:
    code = "import stepconv; stepconv.conv1d([[1, 2]], [[[1]]])"
    assert run("-c", code, NUMBA_CACHE_DIR=str(tmp_path)).returncode == 0
    assert list(tmp_path.rglob("*.nbc"))


def test_run_as_a_module() -> None:
    version = run("-m", "stepconv", "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert __version__ in version.stdout
    usage = run("-m", "stepconv", "--help")
    assert usage.returncode == 0, usage.stderr
    assert re.search(r"Usage: stepconv\b", usage.stdout)


def test_one_version() -> None:
    assert stepconv.__version__ == __version__


def test_four_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {re.split(r"[^\w-]", text)[0] for text in project["dependencies"]} == {
        "numba",
        "numpy",
        "rich",
        "typer",
    }


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(stepconv.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize("name", stepconv.__all__)
def test_public_names(name: str) -> None:
    value = getattr(stepconv, name)
    assert name in dir(stepconv)
    assert value.__name__ == name
    documentation = inspect.getdoc(value)
    assert documentation
    # What a dataclass makes up when its author wrote nothing is not documentation.
    assert not documentation.startswith(f"{name}(")


def test_type_checkers_see_the_public_names() -> None:
    tree = ast.parse((ROOT / "stepconv" / "__init__.py").read_text(encoding="utf-8"))
    branches = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in ast.walk(branches[0]) if isinstance(node, ast.ImportFrom)]
    names = [alias for node in imports for alias in node.names]
    # A typed package exports an import only under `name as name`, or a literal __all__.
    assert {alias.name for alias in names if alias.asname == alias.name} == set(stepconv.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="conv4d"):
        stepconv.conv4d  # noqa: B018  # the access is what is tested


def test_star_import() -> None:
    names: dict[str, object] = {}
    exec("from stepconv import *", names)
    assert set(stepconv.__all__) <= set(names)


def test_one_direction_of_imports() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = run("-c", command, "--no-logo", "--no-cache")
    assert result.returncode == 0, result.stdout
    assert re.search(r"Contracts: \d+ kept, 0 broken", result.stdout)
