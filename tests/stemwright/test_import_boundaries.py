import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL, PLATFORM = ROOT / "model", ROOT / "platform"
FORBIDDEN = {"ray", "mlflow", "fastapi", "stemwright_platform"}


def run_python(code: str, *path: Path) -> str:
    """Output of a fresh interpreter in the repository's root, which finds modules in `path` first."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_packages(source: Path) -> set[str]:
    """First parts of every module that a file imports, at whatever depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_no_file_of_the_model_library_imports_the_platform_not_even_inside_a_function() -> None:
    sources = sorted(MODEL.rglob("*.py"))
    assert len(sources) > 10
    guilty = {str(source.relative_to(ROOT)): imported_packages(source) & FORBIDDEN for source in sources}
    assert {name: found for name, found in guilty.items() if found} == {}


def test_the_model_library_works_where_the_platform_is_not_installed() -> None:
    code = f"""
import pkgutil, sys
for name in {sorted(FORBIDDEN)!r}:
    sys.modules[name] = None  # importing it raises ImportError
import stemwright
names = [module.name for module in pkgutil.walk_packages(stemwright.__path__, "stemwright.")]
for name in names:
    __import__(name)
print(len(names))
"""
    assert int(run_python(code, MODEL)) > 10


def test_importing_the_package_alone_loads_nothing_heavy() -> None:
    code = (
        "import sys, stemwright; print(sorted({'torch', 'transformers', 'ray', 'mlflow'} & set(sys.modules)))"
    )
    assert run_python(code, MODEL).strip() == "[]"


def test_importing_the_samplers_loads_no_network() -> None:
    code = "import sys, stemwright.sampler; print('stemwright.unet' in sys.modules)"
    assert run_python(code, MODEL).strip() == "False"


def test_the_standard_librarys_platform_wins_over_the_folder_of_that_name() -> None:
    assert not (PLATFORM / "__init__.py").exists()
    code = "import platform, stemwright_platform; print(platform.python_version(), platform.__file__)"
    version, file = run_python(code, ROOT, PLATFORM, MODEL).split(maxsplit=1)
    assert version == ".".join(map(str, sys.version_info[:3]))
    assert ROOT not in Path(file.strip()).parents or ".venv" in file


def test_test_folders_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
