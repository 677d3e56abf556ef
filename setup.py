"""Map the folders at the root into the one package `scenegrad`; new sub-packages are found by themselves."""

from setuptools import find_packages, setup

FOLDERS = {"scenegrad": "scenegrad"} | {
    f"scenegrad.{folder}": folder for folder in ("engine", "solvers", "surrogates", "scenes", "assets", "view")
}

setup(
    package_dir=FOLDERS,
    packages=[
        name for root, folder in FOLDERS.items() for name in (root, *(f"{root}.{p}" for p in find_packages(folder)))
    ],
)
