"""WHAT a person asks about the data: how it stands (status), how a row came to be (story), what is in quarantine.

Each question is a function from a connection to a pydantic model, whose JSON is the command's ``--json``, beside a
function from the model to text. Everything here only reads. What does not belong here: words of the command line
(``cli/``) and runs (``run.py``).
"""
