"""For all unit tests."""

import hypothesis

# A machine with much to do may take any time for one example; how long a whole test may take is pytest's to say.
hypothesis.settings.register_profile("unit", deadline=None, max_examples=50)
hypothesis.settings.load_profile("unit")
