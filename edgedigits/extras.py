"""What the package needs, and its optional parts: what each needs, and how it is installed.

pyproject.toml asks pip for the same, which a test holds.
"""

from __future__ import annotations

from importlib.util import find_spec

PYTHON = ">=3.11,<3.14"
TRAINING = {"tensorflow": "==2.21.*", "tf-keras": "==2.21.*", "tensorflow-model-optimization": "==0.8.1"}
"""They move together: TF-MOT needs Keras 2, which TensorFlow only has as tf-keras of its own minor version."""
LITERT = {"ai-edge-litert": "==2.3.*"}
OTHERS = {
    "numpy": ">=2.3.5,<3",
    "pandas": ">=2.3.3,<4",
    "matplotlib": ">=3.10.8,<4",
    "pillow": ">=11",
    "scipy": ">=1.16.3",
    "mlxtend": ">=0.24,<0.26",
    "jinja2": ">=3.1",
    "rich": ">=14",
    "msgspec": ">=0.20,<1",
    "packaging": ">=24",
    "shtab": ">=1.8,<2",
}
OPTIONAL = {
    "tflm": {"tflite-micro": "==0.dev20261023182759"},
    "tensorboard": {"tensorboard": "==2.21.*"},
    "study": {"distributed": ">=2025.5", "psutil": ">=6", "bokeh": ">=3.1"},
    "mcu": {
        "ziglang": ">=0.15.2,<0.18",
        "unicorn": ">=2.1.4,<2.2",
        "capstone": ">=5.0.6,<6",
        "pyelftools": ">=0.32,<1",
    },
    "flash": {"pyocd": ">=0.43,<1", "pyserial": ">=3.5,<4", "esptool": ">=5,<6"},
    "sign": {"cryptography": ">=45"},
    "quantize": {"litert-quantizer": ">=0.11,<0.12"},
    "search": {"optuna": ">=5,<6"},
}
"""Packages and their versions, by extra; that of search also takes what study and mcu are."""

_PACKAGES = {
    "mcu": ("ziglang", "unicorn", "capstone", "elftools"),
    "tensorboard": ("tensorboard",),
    "study": ("distributed", "psutil"),
    "sign": ("cryptography",),
    "quantize": ("litert_quantizer",),
    "search": ("optuna", "distributed", "psutil", "ziglang", "unicorn", "capstone", "elftools"),
}


def is_installed(extra: str) -> bool:
    """Say whether all that an extra consists of can be imported; imports nothing."""
    return all(find_spec(name) is not None for name in _PACKAGES[extra])


def install_command(extra: str) -> str:
    """Return the command that brings an extra."""
    return f"pip install 'edgedigits[{extra}]'"


def pip_command(packages: dict[str, str]) -> str:
    """Return the command that brings packages in these versions."""
    return " ".join(["pip install", *(f"'{name}{versions}'" for name, versions in packages.items())])
