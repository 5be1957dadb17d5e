"""For authors of plug-ins: examinations of each port, small plans, and Hypothesis strategies.

An examination is a coroutine function that raises AssertionError, in words, when an adapter breaks its port's promise.
It knows no adapter: what opens one is an argument. `strategies` needs Hypothesis, which the package does not install.
"""
