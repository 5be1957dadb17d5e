"""The page: a read-only view of run files and live runs in a browser, over an API that programs may use, too.

It reads through what it is given (`sources`) and knows neither how records are stored nor how runs are played.
"""
