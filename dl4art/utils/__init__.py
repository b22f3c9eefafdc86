"""What knows nothing of art: errors, files, tables, progress, provenance, model folders."""

from dl4art.utils.errors import Dl4artError, InputError, ModelError, OutputError, ScaleError
from dl4art.utils.files import atomic_path, sha256

__all__ = ["Dl4artError", "InputError", "ModelError", "OutputError", "ScaleError", "atomic_path", "sha256"]
