"""Nothing here is collected where TensorFlow Probability is not installed; `make test-parity` installs it."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("tensorflow_probability") else ["test_*.py"]
