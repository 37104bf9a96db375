"""For pre-commit alone, which installs a hook by `pip install .` at the root: names the distributions that the hook needs.

Everything else is installed from schema/, controller/ and player/ (docs/decisions/0001-three-distributions.md).
"""

from pathlib import Path

from setuptools import setup

_HERE = Path(__file__).resolve().parent

setup(
    name="avtech-hooks",
    version="0.1.0",
    py_modules=[],
    install_requires=[
        f"{name} @ {(_HERE / folder).as_uri()}"
        for name, folder in (("avtech-schema[resources]", "schema"), ("avtech-controller", "controller"))
    ],
)
