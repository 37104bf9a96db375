"""AVTech for editors, CI, operators and auditors."""

import os

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # importing GitPython where git is missing is no failure yet
