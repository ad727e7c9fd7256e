"""For all unit tests."""

import hypothesis

# An example may take any time on a busy machine. pytest limits the time of a test.
hypothesis.settings.register_profile("unit", deadline=None, max_examples=50)
hypothesis.settings.load_profile("unit")
